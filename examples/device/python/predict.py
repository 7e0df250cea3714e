"""Predicts with a device bundle, by ai-edge-litert and numpy alone.

    python predict.py BUNDLE                                  the bundle, and its golden rows checked
    python predict.py BUNDLE --row '{"carrier": "UA", ...}'   a row's prediction; features left out are missing
    python predict.py BUNDLE --rows rows.json                 a prediction for each row of a JSON list
    python predict.py BUNDLE --set carrier=UA --set temp=39   a row by flags

BUNDLE is the folder device/ of a released version. The file stands alone: copy it. Exit codes: 0; 1 if a golden row
differs; 2 if something that was given is wrong.
"""

import argparse
import json
import math
import statistics
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter

RAW, IDS, PACKED = "raw", "ids", "packed"
FORMS = (RAW, IDS, PACKED)

# What a feature's value may be in a row; null stands for a missing one.
Row = Mapping[str, str | int | float | None]

_INT32 = (-(2**31), 2**31 - 1)


class WrongInputError(Exception):
    """Something that was given is wrong; the message says what would be right."""


@dataclass(frozen=True)
class Bundle:
    """A release's folder device/, read."""

    folder: Path
    manifest: dict[str, Any]
    vocabulary: dict[str, Any]
    golden: dict[str, Any]

    @property
    def variants(self) -> dict[str, Any]:
        """The manifest's variants by name."""
        return {variant["name"]: variant for variant in self.manifest["variants"]}

    def variant(self, name: str | None) -> dict[str, Any]:
        """The variant of that name; without one, the smallest.

        Raises:
            WrongInputError: if the bundle has none of that name.
        """
        if name is None:
            smallest: dict[str, Any] = min(self.variants.values(), key=lambda variant: variant["bytes"])
            return smallest
        if name not in self.variants:
            raise WrongInputError(f"no variant '{name}' in {self.folder}. Variants: {', '.join(self.variants)}")
        found: dict[str, Any] = self.variants[name]
        return found


def read_bundle(folder: Path) -> Bundle:
    """The bundle in a folder.

    Raises:
        WrongInputError: if there is none, or one without variants.
    """
    manifest = _part(folder, "manifest.json")
    # A release that accepted no variant has neither of the other two files.
    if not manifest["variants"]:
        raise WrongInputError(f"{folder}: the bundle has no variant: none was accepted for this release")
    return Bundle(folder, manifest, _part(folder, "vocab.json"), _part(folder, "golden.json"))


def _part(folder: Path, name: str) -> dict[str, Any]:
    try:
        part: dict[str, Any] = json.loads((folder / name).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise WrongInputError(f"{folder}: no device bundle there ({name} is absent)") from None
    except (OSError, ValueError) as error:
        raise WrongInputError(f"{folder / name}: {error}") from None
    return part


class Model:
    """One file of a bundle, which answers a row at a time."""

    def __init__(self, bundle: Bundle, variant: Mapping[str, Any], form: str = RAW) -> None:
        """Loads the file.

        Raises:
            WrongInputError: if it is absent or no LiteRT model.
        """
        self._bundle, self.form = bundle, form
        path = bundle.folder / variant["files"][form]
        if not path.is_file():
            raise WrongInputError(f"{path}: the file is absent, though the manifest names it")
        try:
            self._interpreter = Interpreter(model_path=str(path), num_threads=1)
            # In the raw form rows are counted along a dynamic axis, in the others it is fixed.
            self._interpreter.allocate_tensors()
            self._runner = self._interpreter.get_signature_runner("serving_default")
        except (ValueError, RuntimeError) as error:
            raise WrongInputError(f"{path}: not a LiteRT model: {error}") from None

    def score(self, row: Row) -> list[float]:
        """The scores of one row: one probability, one a class, or a value.

        Raises:
            WrongInputError: naming the feature that is unknown or of the wrong kind.
        """
        return self.run(self.inputs(row))

    def inputs(self, row: Row) -> dict[str, Any]:
        """What the file takes for a row: an array of one row for each feature."""
        features = {feature["name"]: feature for feature in self._bundle.manifest["features"]}
        for name in row:
            if name not in features:
                raise WrongInputError(f"no feature '{name}'. Features: {', '.join(features)}")
        return {name: self._input(feature, row.get(name)) for name, feature in features.items()}

    def golden_inputs(self, index: int) -> dict[str, Any]:
        """What the file takes for a golden row, as golden.json has it for this form."""
        if self.form == RAW:
            return self.inputs(self._bundle.golden["rows"][index])
        row, kinds = self._bundle.golden[self.form][index], self._kinds
        return {name: _array(value, _dtype(kinds[name])) for name, value in row.items()}

    def run(self, inputs: Mapping[str, Any]) -> list[float]:
        """The scores of inputs that fit the file."""
        scores: list[float] = np.asarray(self._runner(**inputs)["score"], np.float32)[0].tolist()
        return scores

    @property
    def _kinds(self) -> dict[str, str]:
        return {feature["name"]: feature["kind"] for feature in self._bundle.manifest["features"]}

    def _input(self, feature: Mapping[str, Any], value: str | int | float | None) -> Any:
        checked = _checked(feature, value)
        if feature["kind"] == "string":
            return self._string(feature["name"], str(checked))
        if feature["kind"] == "integer":
            return np.array([checked], np.int64 if self.form == RAW else np.int32)
        return np.array([checked], np.float32)

    def _string(self, name: str, text: str) -> Any:
        if self.form == RAW:
            return np.array([text.encode()], dtype=object)
        known = self._bundle.vocabulary[name]
        return np.array([string_id(text, known)] if self.form == IDS else [words(text, known["words"])], np.int32)


def string_id(text: str, known: Mapping[str, Any]) -> int:
    """The id by which the ids form takes a string; `known` is its feature's entry of vocab.json."""
    if not text:
        return int(known["missing_id"])
    terms: list[str] = known["terms"]
    return int(known["first_term_id"]) + terms.index(text) if text in terms else int(known["unseen_id"])


def words(text: str, count: int) -> list[int]:
    """The int32 words by which the packed form takes a string: its UTF-8 bytes, four a word, little endian.

    A string with a zero byte has words of -1, which no term has: filled up with zeros, others would equal it.
    """
    if "\0" in text:
        return [-1] * count
    content = text.encode()[: 4 * count].ljust(4 * count, b"\0")
    numbers: list[int] = np.frombuffer(content, "<i4").tolist()
    return numbers


def _checked(feature: Mapping[str, Any], value: Any) -> str | int | float:
    """The value, or what stands for a missing one."""
    name, kind = feature["name"], feature["kind"]
    if value is None:
        stands_for_it: str | int | None = feature["missing"]
        return math.nan if stands_for_it is None else stands_for_it
    fits = {
        "string": isinstance(value, str),
        "integer": isinstance(value, int) and not isinstance(value, bool) and _INT32[0] <= value <= _INT32[1],
        "number": isinstance(value, int | float) and not isinstance(value, bool),
    }
    if not fits[kind]:
        expected = {"string": "a string", "integer": "an integer of 32 bits", "number": "a number"}[kind]
        raise WrongInputError(
            f"feature '{name}': expected {expected}, or null where it is missing. Received: {value!r}"
        )
    checked: str | int | float = value
    return checked


def _dtype(kind: str) -> Any:
    return np.float32 if kind == "number" else np.int32


def _array(value: Any, dtype: Any) -> Any:
    return np.array([math.nan if value is None else value], dtype)


@dataclass(frozen=True)
class Check:
    """How a file's answers to the golden rows compare with those at its release.

    Attributes:
        rows: golden rows.
        agreeing: of them, those within `tolerance`.
        largest: the largest difference of any score.
        tolerance: the largest difference that agrees.
        latency_us: median microseconds a row.
    """

    rows: int
    agreeing: int
    largest: float
    tolerance: float
    latency_us: float


def check(model: Model, bundle: Bundle, variant: Mapping[str, Any]) -> Check:
    """Asks the golden rows."""
    expected = np.asarray(bundle.golden["expected"][variant["name"]], np.float32)
    given = [model.golden_inputs(index) for index in range(len(expected))]
    found = np.asarray([model.run(inputs) for inputs in given], np.float32)
    differences = np.abs(found - expected).max(axis=1)
    # A NaN is no agreement.
    agreeing = int(np.sum(differences <= variant["tolerance"]))
    largest = float(np.where(np.isnan(differences), np.inf, differences).max())
    return Check(len(expected), agreeing, largest, variant["tolerance"], _latency(model, given))


def _latency(model: Model, given: Sequence[Mapping[str, Any]], runs: int = 200) -> float:
    times = []
    for run in range(runs):
        start = time.perf_counter()
        model.run(given[run % len(given)])
        times.append(time.perf_counter() - start)
    return statistics.median(times) * 1e6


def sentence(manifest: Mapping[str, Any], scores: Sequence[float]) -> str:
    """A prediction in words."""
    if manifest["task"] == "regression":
        unit = manifest["output"]["unit"]
        offset = manifest["output"]["offset"]
        value = f"{float(scores[0]) + offset:.0f}" if offset else f"{scores[0]:.6g}"
        return f"{manifest['label']}: {value}{f' {unit}' if unit else ''}"
    classes = manifest["classes"]
    if manifest["task"] == "multiclass":
        order = sorted(range(len(classes)), key=lambda index: -scores[index])
        return ", ".join(f"{classes[index]} {scores[index]:.1%}" for index in order)
    side = "at or above" if scores[0] >= np.float32(manifest["threshold"]) else "below"
    named = classes[1] if classes else manifest["label"]
    return f"{named}: {scores[0]:.1%}, {side} the threshold of {manifest['threshold']:.0%}"


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line, see the module."""
    options = _options(arguments)
    try:
        bundle = read_bundle(options.bundle)
        rows = _rows(options, bundle)
        if rows:
            return _predict(bundle, bundle.variant(options.variant), options.form or RAW, rows)
        return _check(bundle, options.variant, [options.form] if options.form else list(FORMS))
    except WrongInputError as wrong:
        sys.stderr.write(f"{wrong}\n")
        return 2


def _predict(bundle: Bundle, variant: Mapping[str, Any], form: str, rows: Sequence[Row]) -> int:
    model = Model(bundle, variant, form)
    for row in rows:
        sys.stdout.write(f"{sentence(bundle.manifest, model.score(row))}\n")
    return 0


def _check(bundle: Bundle, name: str | None, forms: Sequence[str]) -> int:
    told = bundle.manifest
    sys.stdout.write(f"{told['title']}\nversion {told['version']} of {told['created']}\n\n")
    sys.stdout.write(f"{'variant':<20}{'form':<8}{'golden rows':<14}{'difference':>12}{'allowed':>9}{'us a row':>10}\n")
    differing = 0
    for variant in [bundle.variant(name)] if name else bundle.variants.values():
        for form in forms:
            found = check(Model(bundle, variant, form), bundle, variant)
            differing += found.rows - found.agreeing
            agreeing = f"{found.agreeing} of {found.rows}"
            figures = f"{found.largest:>12.2g}{found.tolerance:>9.1g}{found.latency_us:>10.1f}"
            sys.stdout.write(f"{variant['name']:<20}{form:<8}{agreeing:<14}{figures}\n")
    return 1 if differing else 0


def _rows(options: argparse.Namespace, bundle: Bundle) -> list[Row]:
    rows: list[Row] = []
    if options.rows:
        rows += _json_rows(options.rows)
    if options.row:
        rows.append(_json_row("--row", options.row))
    if options.set:
        rows.append(dict(_assignment(bundle, text) for text in options.set))
    return rows


def _json_rows(path: Path) -> list[Row]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise WrongInputError(f"{path}: {error}") from None
    if not isinstance(found, list) or not found or not all(isinstance(row, dict) for row in found):
        raise WrongInputError(f"{path}: expected a JSON list of objects, one a row, at least one")
    return found


def _json_row(source: str, text: str) -> Row:
    try:
        found = json.loads(text)
    except ValueError as error:
        raise WrongInputError(f"{source}: {error}") from None
    if not isinstance(found, dict):
        raise WrongInputError(f"{source}: expected a JSON object, a value for each feature. Received: {text}")
    return found


def _assignment(bundle: Bundle, text: str) -> tuple[str, str | int | float]:
    name, given, value = text.partition("=")
    if not given:
        raise WrongInputError(f"--set: expected feature=value. Received: {text}")
    kinds = {feature["name"]: feature["kind"] for feature in bundle.manifest["features"]}
    if name not in kinds:
        raise WrongInputError(f"no feature '{name}'. Features: {', '.join(kinds)}")
    if kinds[name] == "string":
        return name, value
    try:
        return name, int(value) if kinds[name] == "integer" else float(value)
    except ValueError:
        expected = "an integer" if kinds[name] == "integer" else "a number"
        raise WrongInputError(f"feature '{name}': expected {expected}. Received: {value}") from None


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="predict.py", description="Predict with a device bundle; without a row, check its golden rows."
    )
    parser.add_argument("bundle", type=Path, help="the folder device/ of a released version")
    parser.add_argument("--variant", help="the smallest by default, all where golden rows are checked")
    parser.add_argument("--form", choices=FORMS, help="raw by default, all where golden rows are checked")
    parser.add_argument("--row", help="a row as a JSON object; features left out are missing")
    parser.add_argument("--rows", type=Path, help="a JSON file with a list of rows")
    parser.add_argument("--set", action="append", metavar="FEATURE=VALUE", help="one value of a row; may be repeated")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
