"""The file whose head learns on a device, and what it was seen to do before it may be released."""

import json
from dataclasses import asdict
from pathlib import Path

from edge.runner import Array
from edge.trainable import FILE, make_trainable
from edge.trainable_check import check_trainable
from models.raw_rows import Rows

# What the check found, beside the file.
CHECKED = "trainable.json"


def write_trainable(saved_model: Path, folder: Path, rows: Rows, scores: Array) -> None:
    """Writes `trainable.tflite` and `trainable.json`: its size, its operators, and the verdict with its reasons.

    Args:
        saved_model: the trainable form.
        folder: where both go.
        rows: of the test split, a few thousand.
        scores: float32 [N, outputs], the server model's of the same rows.
    """
    made = make_trainable(saved_model, folder / FILE)
    checked = check_trainable(made.path, rows.columns, rows.labels, scores)
    told = {"bytes": made.bytes, "operators": made.operators, "float16": made.float16, **asdict(checked)}
    (folder / CHECKED).write_text(json.dumps(told, indent=1), encoding="utf-8")
