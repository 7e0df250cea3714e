"""What raw strings cost beside ids: `python -m edge.bundle.input_form_latency FOLDER [--variant NAME]`.

FOLDER holds `<variant>.tflite` (raw rows), `<variant>.ids.tflite` and `golden.json`, which has the same rows as both
forms take them. Each row is asked of the raw form through DeviceModel and, right after, of a bare interpreter fed with
ids, so that whatever else the machine does falls on both alike; the medians of its quietest quarter are compared.
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from edge.benchmark.timing import Call, in_turn, quietest
from edge.bundle.manifest import GOLDEN
from edge.forms.writer import IDS, SUFFIXES, form_paths
from edge.runtime.litert_model import Array, DeviceModel, load
from schema.errors import InputError, PipelineError
from schema.signatures import SERVING_DEFAULT

_WARM_UP_RUNS = 50
_RUNS = 2000


@dataclass(frozen=True)
class Latencies:
    """Median microseconds of one row by each form, over the quietest of the rows that were asked of both in turn."""

    raw_us: float
    ids_us: float

    @property
    def ratio(self) -> float:
        """How many times as long the raw form takes."""
        return self.raw_us / self.ids_us


def side_by_side(raw: Sequence[Call], ids: Sequence[Call], runs: int = _RUNS) -> Latencies:
    """Times calls of both forms in turn.

    Args:
        raw: for each row a call that asks the raw form, see DeviceModel.single_rows.
        ids: for each row a call that asks the ids form, see bare_calls.
        runs: of each, the rows taken in turn.

    Raises:
        InputError: without rows.
    """
    seconds = quietest(in_turn({"raw form": raw, "ids form": ids}, rounds=runs, warm_up=_WARM_UP_RUNS))
    return Latencies(*(float(np.median(times)) * 1e6 for times in seconds.values()))


def bare_calls(model: Path, rows: Sequence[Mapping[str, Any]]) -> list[Call]:
    """For each row a call of nothing but set_tensor, invoke and get_tensor on a form of batch 1.

    Args:
        model: a .tflite file whose `serving_default` takes an array [1] a feature.
        rows: a value a feature; None is a number that is missing.

    Raises:
        InputError: if the file is absent or no model, or a row lacks a feature.
    """
    interpreter = load(model)
    interpreter.allocate_tensors()
    runner = interpreter.get_signature_runner(SERVING_DEFAULT)
    inputs = runner.get_input_details()
    output = next(iter(runner.get_output_details().values()))["index"]
    fed = [[(detail["index"], _tensor(name, detail, row)) for name, detail in inputs.items()] for row in rows]

    def call(tensors: list[tuple[int, Array]]) -> Array:
        for place, tensor in tensors:
            interpreter.set_tensor(place, tensor)
        interpreter.invoke()
        scores: Array = interpreter.get_tensor(output)
        return scores

    return [partial(call, tensors) for tensors in fed]


def measure(folder: Path, variant: str, runs: int = _RUNS) -> Latencies:
    """Latencies of a variant's two forms on the golden rows.

    Raises:
        InputError: if a file is absent or not what its name says.
    """
    rows = _golden_rows(folder / GOLDEN)
    forms = form_paths(folder, variant)
    model = DeviceModel(forms.raw)
    columns = {name: np.array([_raw(row[name], dtype) for row in rows["rows"]]) for name, dtype in model.inputs.items()}
    kept = {name: column.astype(object) if column.dtype.kind == "S" else column for name, column in columns.items()}
    return side_by_side(model.single_rows(kept), bare_calls(forms.ids, rows["ids"]), runs)


def _golden_rows(path: Path) -> dict[str, list[dict[str, Any]]]:
    """The rows as both forms take them."""
    if not path.is_file():
        raise InputError(f"{path}: no such file. It has the rows that both forms are asked")
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        return {form: list(told[form]) for form in ("rows", "ids")}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}: no golden rows of a device bundle: {error!r}") from None


def _raw(value: Any, dtype: type) -> Any:
    """A golden value as a raw form takes it."""
    if dtype is np.bytes_:
        return (value or "").encode()
    return dtype(np.nan if value is None else value)


def _tensor(name: str, detail: Mapping[str, Any], row: Mapping[str, Any]) -> Array:
    if name not in row:
        raise InputError(f"row without '{name}'. Received: {', '.join(sorted(row))}")
    value = np.nan if row[name] is None else row[name]
    return np.asarray(value, detail["dtype"]).reshape(detail["shape"])


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints both medians and their ratio; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m edge.bundle.input_form_latency", description="Time raw rows beside ids."
    )
    parser.add_argument("folder", type=Path, help="a DeviceModels artifact, or the device folder of a version")
    parser.add_argument("--variant", action="append", help="may be repeated; every one that has both forms if left out")
    parser.add_argument("--runs", type=int, default=_RUNS, help="rows timed")
    chosen = parser.parse_args(arguments)
    try:
        if chosen.runs < 1:
            raise InputError(f"--runs: expected 1 or more. Received: {chosen.runs}")
        if not chosen.folder.is_dir():
            raise InputError(f"{chosen.folder}: no such folder")
        ending = SUFFIXES[IDS]
        names = chosen.variant or sorted(path.name.removesuffix(ending) for path in chosen.folder.glob(f"*{ending}"))
        if not names:
            raise InputError(f"{chosen.folder}: no variant with an ids form (*{ending})")
        for name in names:
            found = measure(chosen.folder, name, chosen.runs)
            sys.stdout.write(
                f"{name:<18} raw {found.raw_us:7.1f} us   ids {found.ids_us:7.1f} us   ratio {found.ratio:.2f}\n"
            )
    except PipelineError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
