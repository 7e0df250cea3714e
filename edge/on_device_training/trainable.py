"""A trainable SavedModel to one .tflite file, in a process of its own."""

import json
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge.convert.child_processes import environment
from edge.convert.error_summary import gist
from edge.on_device_training.trainable_worker import MARK
from schema.child import child_command
from schema.errors import InputError, PipelineError

FILE = "trainable.tflite"


@dataclass(frozen=True)
class Trainable:
    """A trainable model's file.

    Attributes:
        path: the .tflite file.
        bytes: its size.
        operators: names of the builtin operators of all its signatures, sorted.
        seconds: what its conversion took, with TensorFlow's import.
        float16: whether its body's large weights are float16.
    """

    path: Path
    bytes: int
    operators: tuple[str, ...]
    seconds: float
    float16: bool


def make_trainable(saved_model: Path, destination: Path, *, float16: bool = True) -> Trainable:
    """Converts the trainable form and proves that the file loads, answers and trains.

    Args:
        saved_model: the Model artifact's folder signatures.TRAINABLE_FORM.
        destination: the file; its folder is made if absent, and it is put in place by one rename.
        float16: halves the file; the body then answers as the float16 recipe's does, to about 1e-3. Else to 1e-6.

    Raises:
        InputError: if there is no SavedModel.
        PipelineError: if the conversion fails, with the child's last lines.
    """
    if not (saved_model / "saved_model.pb").is_file():
        raise InputError(f"{saved_model}: no SavedModel there (saved_model.pb is absent)")
    destination.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".convert-", dir=destination.parent) as scratch:
        file = Path(scratch) / FILE
        report = _run(saved_model, file, float16=float16)
        file.replace(destination)
    size = destination.stat().st_size
    return Trainable(destination, size, tuple(report["operators"]), report["seconds"], float16)


def _run(saved_model: Path, file: Path, *, float16: bool) -> dict[str, Any]:
    flags = ["--saved_model", str(saved_model), "--file", str(file), *(["--float16"] if float16 else [])]
    command = child_command("edge.on_device_training.trainable_worker", flags)
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, errors="replace", check=False)
    if done.returncode != 0:
        ended = f"signal {-done.returncode}" if done.returncode < 0 else f"exit code {done.returncode}"
        raise PipelineError(f"{saved_model}: conversion ended with {ended}: {gist(done.stderr, MARK)}")
    report: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return report
