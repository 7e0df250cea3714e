"""Nodes that are treated as nodes of a kind, by name; known without loading what they run."""

# The nodes that train, where training.workers says so on several machines.
TRAINING_NODES = ("Trainer", "FineTuner")
# The nodes that are in the graph where the config asks for them.
OPTIONAL_NODES = ("Tuner", "WarmStart", "FineTuner")
