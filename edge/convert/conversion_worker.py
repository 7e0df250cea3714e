"""The child process that converts: `python -m edge.convert.conversion_worker`.

TensorFlow's converter leaks about 22 MB per call. That memory ends with this process.
"""

import argparse
import gc
import os
import sys
import threading
import time
from collections.abc import Sequence
from functools import cache, partial
from pathlib import Path

from ai_edge_litert.interpreter import Interpreter

from edge.convert import conversion_source, recipes
from edge.flatbuffer import model_io
from edge.flatbuffer.strip_metadata import slim
from edge.passes.graph_cleanup import tidy
from edge.passes.implicit_ids import count_ids
from edge.passes.shared_bucket_boundaries import store_edges_once
from edge.runtime.litert_model import Columns, DeviceModel
from edge.runtime.npz_rows import load, missing
from schema.errors import PipelineError

# Goes to stderr before each recipe, so that whoever reads a failure knows whose it is.
MARK = "converting by recipe "
# What the mark says of the conversion that comes before all recipes.
FLOAT32 = "(any), the float32 file first"
# The exit code of a process whose parent has closed the pipe, and so will say nothing any more.
_ORPHANED = 3


def main(arguments: Sequence[str] | None = None) -> int:
    """Writes the float32 file if it is not there, and <recipe>.tflite for each recipe; each is whole when it is there.

    The first failure ends it with a traceback.
    """
    options = _options(arguments)
    told = _listen()
    if not options.float32.is_file():
        _mark(FLOAT32)
        _place(options.float32, tidy(conversion_source.float32(options.saved_model)))
    calibration = cache(partial(_awaited, options.calibration, told)) if options.calibration else None
    float32 = conversion_source.Source(options.float32.read_bytes(), calibration)
    for name in options.recipe or ():
        _mark(name)
        start = time.perf_counter()
        content = build(float32, name)
        _place(options.folder / f"{name}.seconds", str(time.perf_counter() - start).encode("ascii"))
        _place(options.folder / f"{name}.tflite", content)
    return 0


def build(float32: conversion_source.Source, name: str) -> bytes:
    """Converts by one recipe and proves that the file loads and answers.

    Raises:
        PipelineError: if the file needs operators that are not LiteRT's own, or answers with the wrong shape.
    """
    # Last, since the quantizer computes constants, and would store them again, and knows tensors by their names.
    content = slim(store_edges_once(count_ids(recipes.find(name).build(float32))))
    custom = model_io.custom_operators(model_io.read(content))
    if custom:
        raise PipelineError(f"operators that are not LiteRT builtins: {', '.join(custom)}")
    _answers(content)
    return content


def _answers(content: bytes) -> None:
    """Asks a fresh model for one row and then for two: a tensor of unknown rank fails at one of them only."""
    model = DeviceModel(Interpreter(model_content=content))
    for rows in (1, 2):
        shape = model.predict(missing(model.inputs, rows)).shape
        if len(shape) != 2 or shape[0] != rows:
            raise PipelineError(f"expected a score of shape [{rows}, k] for {rows} rows. Received: {list(shape)}")


def _place(path: Path, content: bytes) -> None:
    beside = path.with_name(f".{path.name}")
    beside.write_bytes(content)
    beside.replace(path)


def _mark(name: str) -> None:
    sys.stderr.write(f"\n{MARK}{name}\n")
    sys.stderr.flush()


def _listen() -> threading.Event:
    """An event of the first line that comes; when the parent closes our stdin, this process ends."""
    told = threading.Event()

    def watch() -> None:
        # Not through sys.stdin, whose lock a waiting thread would keep when Python ends.
        while os.read(0, 1024):
            told.set()
        os._exit(_ORPHANED)

    threading.Thread(target=watch, daemon=True).start()
    return told


def _awaited(file: Path, told: threading.Event) -> Columns:
    """The rows of the file, which is whole when a line has come from the parent."""
    told.wait()
    return load(file)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m edge.convert.conversion_worker", description="Convert a SavedModel by recipes."
    )
    parser.add_argument("--float32", type=Path, required=True, help="the float32 .tflite file; made if absent")
    parser.add_argument("--saved_model", type=Path, help="what the float32 file is made from")
    parser.add_argument("--folder", type=Path, required=True, help="an empty folder for the files")
    parser.add_argument("--recipe", action="append", help="a recipe's name; may be repeated")
    parser.add_argument("--calibration", type=Path, help="training rows as .npz, there once a line is on stdin")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    # It ends soon, and collections are a quarter of the time that TensorFlow takes to import.
    gc.disable()
    sys.exit(main())
