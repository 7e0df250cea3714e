"""Nodes around the Trainer: the Tuner, and the model that a candidate is compared with."""
