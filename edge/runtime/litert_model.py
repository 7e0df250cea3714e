"""A .tflite file that answers batches of raw rows."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from schema.closed import nearest
from schema.errors import InputError
from schema.signatures import DEVICE_SCORE, SERVING_DEFAULT

Array = np.ndarray[Any, np.dtype[Any]]
Columns = Mapping[str, Array]

_KINDS: dict[type, tuple[str, str]] = {
    np.bytes_: ("OS", "bytes (object or fixed width)"),
    np.int64: ("i", "int64"),
    np.float32: ("f", "float32"),
}


class DeviceModel:
    """A loaded model whose inputs are raw features, each [N]: bytes, int64 or float32, and whose output is `score`."""

    def __init__(self, model: Path | Any, threads: int = 1) -> None:
        """Loads the model.

        Args:
            model: a .tflite file, or an Interpreter that has been set up already.
            threads: for the interpreter; two hurt single rows and help batches of hundreds by about 1.3.

        Raises:
            InputError: if the file is absent, is no .tflite file, or has no `serving_default` with a `score`.
        """
        self._interpreter = load(model, threads) if isinstance(model, Path) else model
        self._inputs, self._output = _signature(self._interpreter)
        # A row takes some 40 us, of which each look-up here would be a part.
        self._places = tuple((name, int(detail["index"])) for name, detail in self._inputs.items())
        self._place = int(self._output["index"])
        self._rows: int | None = None

    @property
    def inputs(self) -> dict[str, type]:
        """The NumPy scalar type of each input by name: bytes_, int64 or float32."""
        return {name: detail["dtype"] for name, detail in self._inputs.items()}

    @property
    def interpreter(self) -> Any:
        """The interpreter that runs it, for what else the file can do."""
        return self._interpreter

    def predict(self, columns: Columns, batch_rows: int = 512) -> Array:
        """Scores the rows.

        Args:
            columns: one array [N] for each input, and no other.
            batch_rows: rows given to the interpreter at once; the last batch may be smaller.

        Returns:
            float32 [N, k]: probabilities (k = 1 for a binary problem), or the value of a regression.

        Raises:
            InputError: naming the column that is missing, unknown, of the wrong type or of another length.
        """
        self.check(columns)
        scores = [self._score(batch) for batch in batches(columns, batch_rows)]
        return np.concatenate(scores) if scores else np.zeros((0, int(self._output["shape"][-1])), np.float32)

    def single_rows(self, columns: Columns) -> list[Callable[[], Array]]:
        """For each of the first 1,000 rows a call that scores it, checked once and not at every call.

        A call holds copying the row in and the score out, as an application would.

        Raises:
            InputError: as predict.
        """
        self.check(columns)
        return [partial(self._score, row) for row in islice(batches(columns, 1), 1000)]

    def check(self, columns: Columns) -> None:
        """Refuses columns that are not the inputs.

        Raises:
            InputError: as predict.
        """
        for name in columns:
            if name not in self._inputs:
                raise InputError(f"unknown column '{name}'.{nearest(name, list(self._inputs))}")
        for name, detail in self._inputs.items():
            if name not in columns:
                raise InputError(f"missing column '{name}'. Received: {', '.join(sorted(columns)) or 'none'}")
            _check_column(name, columns[name], detail["dtype"])
        lengths = {name: len(values) for name, values in columns.items()}
        if len(set(lengths.values())) > 1:
            raise InputError(f"columns of different lengths. Received: {lengths}")

    def _score(self, batch: Columns) -> Array:
        rows = row_count(batch)
        if rows != self._rows:
            self._resize(rows)
        interpreter = self._interpreter
        for name, place in self._places:
            interpreter.set_tensor(place, batch[name])
        interpreter.invoke()
        scores: Array = interpreter.get_tensor(self._place)
        return scores

    def _resize(self, rows: int) -> None:
        for _, place in self._places:
            self._interpreter.resize_tensor_input(place, [rows])
        self._interpreter.allocate_tensors()
        self._rows = rows


def batches(columns: Columns, rows: int) -> Iterator[Columns]:
    """Cuts columns of equal length into batches of `rows` rows; the last may be smaller.

    Raises:
        InputError: if `rows` is not positive.
    """
    if rows < 1:
        raise InputError(f"batch_rows: expected 1 or more. Received: {rows}")
    for start in range(0, row_count(columns), rows):
        yield {name: values[start : start + rows] for name, values in columns.items()}


def first_rows(columns: Columns, rows: int) -> Columns:
    """The first rows, or all where there are no more."""
    return {name: values[:rows] for name, values in columns.items()}


def check_bytes(name: str, values: Array) -> None:
    """Refuses an object column that holds anything but bytes.

    Raises:
        InputError: naming the column and the first such value.
    """
    strange = [value for value in values if not isinstance(value, bytes)]
    if strange:
        raise InputError(f"column '{name}': expected bytes; missing is b''. Received: {strange[0]!r}")


def row_count(columns: Columns) -> int:
    """Rows of columns of equal length."""
    return len(next(iter(columns.values()), ()))


def load(path: Path, threads: int = 1) -> Any:
    """An interpreter of the file.

    Raises:
        InputError: if it is absent or no LiteRT model.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    try:
        return Interpreter(model_path=str(path), num_threads=threads)
    except (ValueError, RuntimeError) as error:
        raise InputError(f"{path}: not a LiteRT model: {error}") from None


def _signature(interpreter: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    names = interpreter.get_signature_list()
    if SERVING_DEFAULT not in names or names[SERVING_DEFAULT]["outputs"] != [DEVICE_SCORE]:
        raise InputError(
            f"expected a signature '{SERVING_DEFAULT}' with the one output '{DEVICE_SCORE}'. Received: {names}"
        )
    runner = interpreter.get_signature_runner(SERVING_DEFAULT)
    return dict(runner.get_input_details()), dict(runner.get_output_details()[DEVICE_SCORE])


def _check_column(name: str, values: Array, dtype: type) -> None:
    kinds, expected = _KINDS.get(dtype, ("", dtype.__name__))
    fits = values.dtype.kind in kinds and (dtype is np.bytes_ or values.dtype == dtype)
    if not fits or values.ndim != 1:
        raise InputError(f"column '{name}': expected {expected} [N]. Received: {values.dtype} {list(values.shape)}")
    if values.dtype.kind == "O":
        check_bytes(name, values)
