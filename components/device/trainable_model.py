"""The file whose head learns on a device, and what it was seen to do before it may be released."""

import json
import logging
from dataclasses import asdict
from pathlib import Path
from typing import Any

from edge.on_device_training.trainable import FILE, make_trainable
from edge.on_device_training.trainable_check import check_trainable
from edge.runtime.litert_model import Array, Columns
from schema.errors import InputError, PipelineError
from schema.run_warnings import write_warnings

_LOG = logging.getLogger(__name__)

# What the check found, beside the file.
CHECKED = "trainable.json"


def write_trainable(saved_model: Path, folder: Path, columns: Columns, labels: Array, scores: Array) -> None:
    """Writes `trainable.tflite` and `trainable.json`: its size, its operators, and the verdict with its reasons.

    Where it cannot be made or does not pass, the variants are released without it, and a warning beside them says so.

    Args:
        saved_model: the trainable form.
        folder: where both go.
        columns: of a few thousand rows [N] of the test split.
        labels: theirs [N], of a regression less the label's offset.
        scores: float32 [N, outputs], the server model's, likewise.

    Raises:
        InputError: if there is no trainable form.
    """
    told = _made(saved_model, folder / FILE, columns, labels, scores)
    if not told["accepted"]:
        refused = f"device.trainable: {FILE} is not released: {'; '.join(told['reasons'])}"
        _LOG.warning("%s", refused)
        write_warnings([refused], folder)
    (folder / CHECKED).write_text(json.dumps(told, indent=1), encoding="utf-8")


def _made(saved_model: Path, file: Path, columns: Columns, labels: Array, scores: Array) -> dict[str, Any]:
    try:
        made = make_trainable(saved_model, file)
    except InputError:
        raise
    except PipelineError as error:
        return {"accepted": False, "reasons": [str(error)]}
    checked = check_trainable(made.path, columns, labels, scores)
    return {"bytes": made.bytes, "operators": made.operators, "float16": made.float16, **asdict(checked)}
