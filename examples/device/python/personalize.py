"""Trains the head of a trainable.tflite on rows of one's own, by ai-edge-litert and numpy alone.

    python personalize.py trainable.tflite rows.jsonl --label late --head head.npz
    python personalize.py trainable.tflite rows.jsonl --label soil --classes clay,loam,peat --head head.npz

rows.jsonl holds a JSON object a line: features by name, where null or left out is missing, and the label: a class
number (0 or 1 where there are two), a class's name with --classes, or a number for a regression. Every fifth row is
held out. The head of the pass with the lowest loss on those is saved, with the hash of the file that it belongs to; the
next call goes on from it. The file stands alone: copy it. Exit codes: 0; 2 if something that was given is wrong.
"""

import argparse
import hashlib
import json
import sys
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter

Array = np.ndarray[Any, np.dtype[Any]]
Columns = Mapping[str, Array]

# An integer that is missing: no domain reaches there.
_MISSING_INTEGER = -(2**62)
_HELD_OUT = 5

# What NumPy raises of a file that is no whole .npz: one of another kind, an empty one, one cut short, a damaged one.
_NO_HEAD = (OSError, ValueError, KeyError, TypeError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error)


class GivenError(Exception):
    """Something that was given is wrong; the message says what would be right."""


class Personal:
    """A trainable file with a head of its own."""

    def __init__(self, path: Path) -> None:
        """Loads the file, with the head that it was exported with.

        Raises:
            GivenError: if it is absent or no trainable model.
        """
        if not path.is_file():
            raise GivenError(f"{path}: no such file")
        content = path.read_bytes()
        self.hash = hashlib.sha256(content).hexdigest()
        try:
            self._interpreter = Interpreter(model_content=content, num_threads=1)
            self._train = self._interpreter.get_signature_runner("train")
        except (ValueError, RuntimeError) as error:
            raise GivenError(f"{path}: not a trainable LiteRT model: {error}") from None
        self._predict = self._interpreter.get_signature_runner("predict")
        self._get_head = self._interpreter.get_signature_runner("get_head")
        self._set_head = self._interpreter.get_signature_runner("set_head")
        self.features = {name: detail["dtype"] for name, detail in self._predict.get_input_details().items()}
        self.label_type = self._train.get_input_details()["label"]["dtype"]
        self.label_offset = _label_offset(path)

    def predict(self, columns: Columns) -> Array:
        """Scores float32 [N, outputs]."""
        return np.asarray(self._predict(**columns)["score"])

    def train(self, columns: Columns, labels: Array, learning_rate: float) -> tuple[float, int]:
        """One step; the mean loss before it, and the rows that counted: those with a label that the model knows."""
        found = self._train(**columns, label=labels, learning_rate=np.float32(learning_rate))
        return float(found["loss"]), int(found["rows"])

    def loss(self, columns: Columns, labels: Array) -> float:
        """The mean loss: a step at rate 0 changes nothing."""
        return self.train(columns, labels, 0.0)[0]

    def head(self) -> dict[str, Array]:
        """`kernel` and `bias`, to be saved between two starts of an app."""
        return {name: np.array(values) for name, values in self._get_head().items()}

    def set_head(self, head: Mapping[str, Array]) -> None:
        """Puts in a saved head."""
        self._set_head(kernel=head["kernel"], bias=head["bias"])

    def save(self, path: Path) -> None:
        """Saves the head, and whose it is: another version's body needs another head, of the same shape.

        It is written beside and then takes the file's place, so that whatever ends it leaves the last good head.

        Raises:
            GivenError: if it cannot be written there.
        """
        beside = path.with_name(f"{path.name}.part")
        try:
            # Opened here, since NumPy adds .npz to a name that does not end so.
            with beside.open("wb") as file:
                np.savez(file, allow_pickle=False, model=np.array(self.hash), **self.head())
            beside.replace(path)
        except OSError as error:
            raise GivenError(f"{path}: the head cannot be saved there: {error.strerror}") from None

    def restore(self, path: Path) -> None:
        """Puts in the head of a file.

        Raises:
            GivenError: if it is no saved head, or that of another model.
        """
        try:
            # Opened here, since NumPy leaves the file of a broken one open.
            with path.open("rb") as file, np.load(file, allow_pickle=False) as saved:
                owner, head = str(saved["model"]), {name: saved[name] for name in ("kernel", "bias")}
        except _NO_HEAD as error:
            raise GivenError(f"{path}: not a saved head: {error}. Give another --head to start anew") from None
        if owner != self.hash:
            raise GivenError(
                f"{path}: the head of another model file, or of another version of it. Delete it to start anew"
            )
        self.set_head(head)


def read_rows(path: Path, model: Personal, label: str, classes: Sequence[str]) -> tuple[dict[str, Array], Array]:
    """The columns and labels [N] of a file of JSON lines.

    Raises:
        GivenError: naming the line and what is wrong with it.
    """
    values: dict[str, list[Any]] = {name: [] for name in model.features}
    labels = []
    for place, row in _lines(path):
        unknown = sorted(set(row) - set(model.features) - {label})
        if unknown:
            raise GivenError(f"{path}, line {place}: no feature '{unknown[0]}'. Features: {', '.join(model.features)}")
        labels.append(_label(row.get(label), classes, model.label_type, f"{path}, line {place}: '{label}'"))
        for name, dtype in model.features.items():
            values[name].append(_value(row.get(name), dtype, f"{path}, line {place}: '{name}'"))
    if len(labels) < _HELD_OUT:
        raise GivenError(f"{path}: expected {_HELD_OUT} rows or more, to hold out every fifth. Received: {len(labels)}")
    columns = {
        name: np.array(values[name], object if dtype is np.bytes_ else dtype) for name, dtype in model.features.items()
    }
    return columns, (np.array(labels) - model.label_offset).astype(model.label_type)


def _label_offset(model: Path) -> float:
    """What the manifest beside the model says that its answers are without; 0 where there is none."""
    manifest = model.with_name("manifest.json")
    if not manifest.is_file():
        return 0.0
    try:
        offset: float = json.loads(manifest.read_text(encoding="utf-8"))["output"].get("offset", 0.0)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise GivenError(f"{manifest}: not the manifest of a device bundle: {error!r}") from None
    return offset


def _lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    try:
        # str.splitlines would also end a line at U+2028 and the like, which a JSON string may hold as they are.
        lines = path.read_bytes().decode("utf-8").split("\n")
    except OSError as error:
        raise GivenError(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise GivenError(f"{path}: expected UTF-8. Received: byte 0x{error.object[error.start]:02x}") from None
    for place, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            raise GivenError(f"{path}, line {place}: no JSON: {error}") from None
        if not isinstance(row, dict):
            raise GivenError(f"{path}, line {place}: expected an object. Received: {line.strip()[:60]}")
        yield place, row


def _value(value: Any, dtype: type, where: str) -> bytes | int | float:
    if dtype is np.bytes_ and (value is None or isinstance(value, str)):
        return (value or "").encode("utf-8")
    if dtype is np.int64 and (value is None or _whole(value)):
        return _MISSING_INTEGER if value is None else int(value)
    if dtype is np.float32 and (value is None or _number(value)):
        return float("nan") if value is None else float(value)
    expected = {np.bytes_: "a string", np.int64: "an integer", np.float32: "a number"}[dtype]
    raise GivenError(f"{where}: expected {expected} or null. Received: {value!r}")


def _label(value: Any, classes: Sequence[str], dtype: type, where: str) -> int | float:
    if classes:
        if value not in classes:
            raise GivenError(f"{where}: expected one of {', '.join(classes)}. Received: {value!r}")
        return classes.index(value)
    if dtype is np.float32 and _number(value):
        return float(value)
    if dtype is np.int64 and _whole(value):
        return int(value)
    expected = "a number" if dtype is np.float32 else "a class number, or --classes and one of them"
    raise GivenError(f"{where}: expected {expected}. Received: {value!r}")


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63


def personalize(
    model: Personal, columns: Columns, labels: Array, learning_rate: float, passes: int, batch_rows: int
) -> tuple[float, float]:
    """Trains on four rows of five, and keeps the head of the pass with the lowest loss on the fifth, or the first one.

    Returns:
        The loss on the rows held out, before and after.
    """
    places = np.arange(len(labels))
    kept, others = places[places % _HELD_OUT != 0], places[places % _HELD_OUT == 0]
    held_out = _taken(columns, others), labels[others]
    before = lowest = model.loss(*held_out)
    best = model.head()
    order = np.random.default_rng(1)
    for _ in range(passes):
        shuffled = order.permutation(kept)
        for start in range(0, len(shuffled), batch_rows):
            batch = shuffled[start : start + batch_rows]
            model.train(_taken(columns, batch), labels[batch], learning_rate)
        loss = model.loss(*held_out)
        # False for a NaN, which too large a rate ends in.
        if loss < lowest:
            lowest, best = loss, model.head()
    model.set_head(best)
    return before, lowest


def _taken(columns: Columns, places: Array) -> dict[str, Array]:
    return {name: values[places] for name, values in columns.items()}


def main(arguments: Sequence[str] | None = None) -> int:
    """Trains, saves the head, and shows that it comes back in a model loaded anew."""
    given = _parser().parse_args(arguments)
    try:
        _main(given)
    except GivenError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


def _main(given: argparse.Namespace) -> None:
    # Before the training, which would be lost.
    if not given.head.parent.is_dir():
        raise GivenError(f"{given.head}: no such folder: {given.head.parent}")
    model = Personal(given.model)
    if given.head.exists():
        model.restore(given.head)
        sys.stdout.write(f"goes on from {given.head}\n")
    columns, labels = read_rows(given.rows, model, given.label, given.classes)
    counted = model.train(columns, labels, 0.0)[1]
    if counted < len(labels):
        raise GivenError(f"{given.rows}: '{given.label}': {len(labels) - counted} labels are none that the model knows")
    before, after = personalize(model, columns, labels, given.learning_rate, given.passes, given.batch_rows)
    model.save(given.head)
    again = Personal(given.model)
    again.restore(given.head)
    if not np.array_equal(again.predict(columns), model.predict(columns)):
        raise GivenError(f"{given.head}: the saved head answers otherwise than the trained one")
    sys.stdout.write(f"loss on the rows held out: {before:.4f} before, {after:.4f} after\n")
    sys.stdout.write(f"{given.head} holds the head\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="personalize.py", description="Train a device model's head on rows.")
    parser.add_argument("model", type=Path, help="trainable.tflite")
    parser.add_argument("rows", type=Path, help="JSON lines")
    parser.add_argument("--label", default="label", help="the label's name in a row")
    parser.add_argument("--classes", type=lambda text: text.split(","), default=[], help="names of classes, in order")
    parser.add_argument("--head", type=Path, default=Path("head.npz"), help="where the head is saved")
    parser.add_argument("--learning_rate", type=_rate, default=0.1, help="of gradient descent")
    parser.add_argument("--passes", type=_count, default=20, help="over the rows")
    parser.add_argument("--batch_rows", type=_count, default=32, help="rows a step")
    return parser


def _rate(text: str) -> float:
    value = float(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"expected a finite number above 0. Received: {text}")
    return value


def _count(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"expected 1 or more. Received: {text}")
    return value


if __name__ == "__main__":
    sys.exit(main())
