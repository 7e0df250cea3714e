"""The child process that converts: `python -m edge.worker`. The converter leaks about 22 MB a call, so it ends here."""

import argparse
import dataclasses
import gc
import json
import sys
import time
from collections.abc import Sequence
from functools import cache, partial
from pathlib import Path

import numpy as np

from edge import graph, recipes
from edge.rows import load
from edge.runner import Array, Columns, DeviceModel
from edge.slim import slim
from edge.source import Source
from edge.tables import count_ids
from schema.errors import PipelineError

REPORT = "converted.json"

# Goes to stderr before each recipe, so that whoever reads a failure knows whose it is.
MARK = "converting by recipe "


@dataclasses.dataclass(frozen=True)
class Built:
    """One converted file: the recipe, its operators' names, and the seconds it took."""

    recipe: str
    operators: tuple[str, ...]
    seconds: float


def main(arguments: Sequence[str] | None = None) -> int:
    """Writes <recipe>.tflite for each recipe and a report into the folder; ends with the first failure's traceback."""
    options = _options(arguments)
    source = Source(options.saved_model, cache(partial(_awaited, options.calibration)) if options.calibration else None)
    built = []
    for name in options.recipe:
        sys.stderr.write(f"\n{MARK}{name}\n")
        sys.stderr.flush()
        built.append(build(source, name, options.folder))
    report = [dataclasses.asdict(entry) for entry in built]
    (options.folder / REPORT).write_text(json.dumps(report), encoding="utf-8")
    return 0


def _awaited(file: Path) -> Columns:
    """The rows of the file, which is whole when a line comes from the parent."""
    if not sys.stdin.readline():
        raise PipelineError(f"{file}: the calibration rows never came, since the parent process ended")
    return load(file)


def build(source: Source, name: str, folder: Path) -> Built:
    """Converts by one recipe and proves that the file loads and answers.

    Raises:
        PipelineError: if the file needs operators that are not LiteRT's own, or answers with the wrong shape.
    """
    start = time.perf_counter()
    # Last, since the quantizer computes constants and would store the ids again, and it knows tensors by their names.
    content = slim(count_ids(recipes.find(name).build(source)))
    model = graph.read(content)
    custom = graph.custom_operators(model)
    if custom:
        raise PipelineError(f"operators that are not LiteRT builtins: {', '.join(custom)}")
    path = folder / f"{name}.tflite"
    path.write_bytes(content)
    _answers(path)
    names = tuple(sorted({operator.name for operator in graph.operators(model)}))
    return Built(name, names, time.perf_counter() - start)


def _answers(path: Path) -> None:
    """Asks a fresh model for one row and then for two: a tensor of unknown rank fails at one of them only."""
    model = DeviceModel(path)
    for rows in (1, 2):
        shape = model.predict(_missing(model.inputs, rows)).shape
        if len(shape) != 2 or shape[0] != rows:
            raise PipelineError(f"expected a score of shape [{rows}, k] for {rows} rows. Received: {list(shape)}")


def _missing(inputs: dict[str, type], rows: int) -> Columns:
    """Rows in which every string and number is missing and every integer is 0."""
    absent: dict[type, Array] = {
        np.bytes_: np.full(rows, b"", dtype=object),
        np.float32: np.full(rows, np.nan, np.float32),
    }
    return {name: absent.get(dtype, np.zeros(rows, dtype)) for name, dtype in inputs.items()}


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m edge.worker", description="Convert a SavedModel by recipes.")
    parser.add_argument("--saved_model", type=Path, required=True)
    parser.add_argument("--folder", type=Path, required=True, help="an empty folder for the files")
    parser.add_argument("--recipe", action="append", required=True, help="a recipe's name; may be repeated")
    parser.add_argument("--calibration", type=Path, help="training rows as .npz, there once a line is on stdin")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    # It ends soon, and collections are a quarter of the time that TensorFlow takes to import.
    gc.disable()
    sys.exit(main())
