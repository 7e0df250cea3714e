"""One SavedModel to .tflite files, in a process of its own."""

import json
import logging
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from subprocess import DEVNULL, PIPE
from typing import Any

from edge import recipes, rows
from edge.failure import gist
from edge.runner import Columns
from edge.worker import MARK, REPORT
from schema.errors import InputError, PipelineError

# Training rows, an array [N] for each feature (a few thousand rows), or what reads them: it is called once, while the
# converting process loads TensorFlow.
Calibration = Columns | Callable[[], Columns]

_LOG = logging.getLogger(__name__)
_PROJECT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Converted:
    """One variant's file.

    Attributes:
        recipe: the recipe's name.
        path: the .tflite file.
        bytes: its size.
        operators: names of the builtin operators it uses, sorted.
        seconds: what its conversion took; the first one's with TensorFlow's import.
    """

    recipe: str
    path: Path
    bytes: int
    operators: tuple[str, ...]
    seconds: float


def convert(saved_model: Path, recipe: str, destination: Path, calibration: Calibration | None = None) -> Converted:
    """Converts by one recipe into the file `destination`; see convert_all."""
    with tempfile.TemporaryDirectory(prefix=".convert-", dir=_made(destination.parent)) as folder:
        found = convert_all(saved_model, [recipe], Path(folder), calibration)[0]
        found.path.replace(destination)
    return Converted(recipe, destination, found.bytes, found.operators, found.seconds)


def convert_all(
    saved_model: Path, names: Sequence[str], folder: Path, calibration: Calibration | None = None
) -> list[Converted]:
    """Converts by several recipes in one child process, and puts the files into `folder` when all have succeeded.

    Args:
        saved_model: folder of the device form; its `serving_default` takes one tensor [None] a raw feature, of dtype
            string, int64 or float32, and returns `score`, float32 [None, k].
        names: recipes, see recipes.RECIPES.
        folder: made if absent; gets <recipe>.tflite for each, each put in place by one rename.
        calibration: see Calibration; needed by some recipes.

    Raises:
        InputError: for an unknown recipe, an absent SavedModel, or a recipe that lacks its calibration rows.
        PipelineError: if the conversion fails, with the child's last lines.
    """
    _check(saved_model, names, calibration)
    with tempfile.TemporaryDirectory(prefix=".convert-", dir=_made(folder)) as scratch:
        _run(saved_model, names, Path(scratch), calibration)
        report = json.loads((Path(scratch) / REPORT).read_text(encoding="utf-8"))
        return [_place(Path(scratch), folder, entry) for entry in report]


def convert_each(
    saved_model: Path, names: Sequence[str], folder: Path, calibration: Calibration | None = None
) -> tuple[list[Converted], dict[str, str]]:
    """convert_all, and if that fails each recipe in a process of its own, so that none costs the others their file.

    Returns:
        What was converted, and for each other recipe why it was not, in one line.

    Raises:
        InputError: as convert_all.
    """
    if callable(calibration):
        calibration = cache(calibration)
    try:
        return convert_all(saved_model, names, folder, calibration), {}
    except InputError:
        raise
    except PipelineError as error:
        _LOG.warning("converting recipe by recipe, since together they failed: %s", error)
    made: list[Converted] = []
    failed: dict[str, str] = {}
    for name in names:
        try:
            made.append(convert(saved_model, name, folder / f"{name}.tflite", calibration))
        except PipelineError as error:
            failed[name] = " ".join(str(error).split())
    return made, failed


def _check(saved_model: Path, names: Sequence[str], calibration: Calibration | None) -> None:
    if not (saved_model / "saved_model.pb").is_file():
        raise InputError(f"{saved_model}: no SavedModel there (saved_model.pb is absent)")
    if not names:
        raise InputError("no recipes to convert by. Received: an empty list")
    for name in names:
        if recipes.find(name).needs_calibration and not calibration:
            raise _uncalibrated(name)


def _run(saved_model: Path, names: Sequence[str], scratch: Path, calibration: Calibration | None) -> None:
    command = [sys.executable, "-m", "edge.worker", "--saved_model", str(saved_model), "--folder", str(scratch)]
    for name in names:
        command += ["--recipe", name]
    file = scratch / "calibration.npz"
    if calibration:
        command += ["--calibration", str(file)]
    with subprocess.Popen(
        command, env=_environment(), stdin=PIPE, stdout=DEVNULL, stderr=PIPE, text=True, errors="replace"
    ) as child:
        try:
            if calibration:
                _save(file, names, calibration)
            _, told = child.communicate("the calibration rows are there\n" if calibration else None)
        except BaseException:
            child.kill()
            raise
    if child.returncode != 0:
        raise PipelineError(_failure(saved_model, child.returncode, told))


def _save(file: Path, names: Sequence[str], calibration: Calibration) -> None:
    columns = calibration() if callable(calibration) else calibration
    for name in names:
        if recipes.find(name).needs_calibration and not columns:
            raise _uncalibrated(name)
    rows.save(file, columns)


def _uncalibrated(name: str) -> InputError:
    return InputError(f"recipe '{name}' needs calibration rows. Received: none")


def _environment() -> dict[str, str]:
    paths = [str(_PROJECT), *filter(None, [os.environ.get("PYTHONPATH")])]
    # Conversion needs no accelerator, and taking one would take it from the trainer.
    return os.environ | {
        "PYTHONPATH": os.pathsep.join(paths),
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "CUDA_VISIBLE_DEVICES": "-1",
    }


def _failure(saved_model: Path, code: int, output: str) -> str:
    ended = f"ended by signal {-code}" if code < 0 else f"ended with exit code {code}"
    return f"{saved_model}: conversion {ended}: {gist(output, MARK)}"


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _place(scratch: Path, folder: Path, entry: Mapping[str, Any]) -> Converted:
    path = folder / f"{entry['recipe']}.tflite"
    (scratch / path.name).replace(path)
    return Converted(entry["recipe"], path, path.stat().st_size, tuple(entry["operators"]), entry["seconds"])
