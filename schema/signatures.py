"""The names under which every exported model answers."""

from schema.problem import Task

SERVING_DEFAULT = "serving_default"
PREDICT_ROWS = "predict_rows"
TRANSFORM_FEATURES = "transform_features"
# Only where the label is a string: TFMA needs its class number.
TRANSFORM_LABELS = "transform_labels"

EXAMPLES = "examples"
CLASS = "class"
DEVICE_SCORE = "score"

# What the trainable device form answers under, and the names of what it takes and gives beside raw features.
PREDICT = "predict"
TRAIN = "train"
GET_HEAD = "get_head"
SET_HEAD = "set_head"
LABEL = "label"
LEARNING_RATE = "learning_rate"
LOSS = "loss"
ROWS = "rows"
KERNEL = "kernel"
BIAS = "bias"
SIZE = "size"

# Folders of the forms inside a Model artifact; the first is TFX's own name for it.
SERVING_FORM = "Format-Serving"
DEVICE_FORM = "Format-Device"
# The device form whose last layer can be trained on a device.
TRAINABLE_FORM = "Format-Device-trainable"
# In place of a served form in a fine-tuned model, which has none: what became of each technique, as JSON.
TECHNIQUES = "techniques.json"
# The weights by name inside a Model artifact and a released version, from which a later training may start.
WEIGHTS = "weights/weights.npz"


def device_form(technique: str | None) -> str:
    """Folder of the device form of a fine-tuned model, by its technique; of the trained model's own for None."""
    return DEVICE_FORM if technique is None else f"{DEVICE_FORM}-{technique}"


def prediction_key(task: Task) -> str:
    """Output that carries the score: `probability` ([N] for binary, [N, classes] for multiclass) or `value` ([N])."""
    return "value" if task is Task.REGRESSION else "probability"


def prediction_column(task: Task) -> str:
    """The score's column in a table with columns of the data; no label is called so, since it has a dot."""
    return f"predicted.{prediction_key(task)}"
