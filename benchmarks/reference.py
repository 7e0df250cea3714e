"""Scores gradient boosting on the features, rows and splits of the latest run, beside that run's model.

Run: python -m benchmarks.reference --output output. It takes about two minutes on two cores; the intervals come from
resampling whole values of the split key (days in the sample problem), since rows that share one are not independent.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import parquet
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import log_loss

from ingestion.csv_reader import read_csv
from ingestion.splits import SPLITS, assign
from ingestion.windows import parse_window, select
from reports.runs.output_folder import DEFAULT_OUTPUT, existing_output
from schema.errors import InputError, PipelineError
from schema.failure import ended
from schema.json_file import read_json
from schema.problem import DEFAULT_PROBLEM, Encoding, Problem, Task, problem_folder, read_problem
from schema.rows import Column, Kind, columns, read_schema
from schema.signatures import prediction_column

Numbers = NDArray[np.float64]

ROOT = Path(__file__).resolve().parents[1]
LARGEST_CATEGORY = 254  # scikit-learn bins at most 255 categories; the rarer ones count as missing
TREES = 300
EVERY = 5  # trees between two looks at the eval split
RESAMPLES = 1000
CONFIDENCE = 0.95
# The best of these on the eval split is scored on the test split.
SETTINGS: tuple[dict[str, float], ...] = (
    {"learning_rate": 0.08, "max_leaf_nodes": 31, "min_samples_leaf": 50, "l2_regularization": 1.0},
    {"learning_rate": 0.08, "max_leaf_nodes": 31, "min_samples_leaf": 500, "l2_regularization": 10.0},
    {"learning_rate": 0.05, "max_leaf_nodes": 31, "min_samples_leaf": 1000, "l2_regularization": 10.0},
)


@dataclass(frozen=True)
class Scored:
    """One model's scores of the test split: key, label (0 or 1) and score of each row, all of shape [rows]."""

    keys: NDArray[Any]
    labels: Numbers
    scores: Numbers


@dataclass(frozen=True)
class Interval:
    """A value and the ends of its confidence interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:8.4f}  [{self.low:.4f}, {self.high:.4f}]"


@dataclass(frozen=True)
class Comparison:
    """AUC of the run's model, of the reference, and of the first less the second on the same resampled days."""

    model: Interval
    reference: Interval
    difference: Interval


@dataclass(frozen=True)
class Fitted:
    """The chosen trees: their setting, how many, their log loss on eval, and their scores of the test rows."""

    setting: dict[str, float]
    trees: int
    eval_log_loss: float
    scores: Numbers


@dataclass(frozen=True)
class Dataset:
    """Features [rows, features] with NaN for missing, which of them are categories, labels, keys and split numbers."""

    features: Numbers
    names: tuple[str, ...]
    categorical: NDArray[np.bool_]
    labels: Numbers
    keys: NDArray[Any]
    splits: NDArray[np.int8]

    def part(self, name: str) -> NDArray[np.bool_]:
        """Mask [rows] of a split."""
        mask: NDArray[np.bool_] = self.splits == SPLITS.index(name)
        return mask


def load(problem: Problem, known: dict[str, Column], files: Sequence[Path]) -> Dataset:
    """The rows of the files that have a label, dealt to the splits as the pipeline deals them.

    Raises:
        InputError: if the problem is not binary with a split key and a label of 0 and 1, or a row does not fit.
    """
    if problem.task is not Task.BINARY or problem.classes or problem.split.key is None:
        raise InputError(
            "reference: expected a binary problem with a split key and a label of 0 and 1. "
            f"Received: '{problem.name}', {problem.task}, split key {problem.split.key}, "
            f"classes {list(problem.classes)}"
        )
    table = pa.concat_tables([read_csv(path, known) for path in files])
    table = table.filter(table[problem.label].is_valid())
    keys = table[problem.split.key].to_pylist()
    splits = assign([key.encode() if isinstance(key, str) else key for key in keys], problem.split)
    train = splits == SPLITS.index("train")
    encoded = [
        categories(table[name], train) if known[name].kind is Kind.STRING else numbers(table[name])
        for name in problem.features
    ]
    return Dataset(
        features=np.column_stack(encoded),
        names=tuple(problem.features),
        categorical=np.array([feature.encoding is Encoding.VOCABULARY for feature in problem.features.values()]),
        labels=numbers(table[problem.label]),
        keys=np.array([str(key) for key in keys]),
        splits=splits,
    )


def numbers(column: pa.ChunkedArray) -> Numbers:
    """The values as float64 [rows]; a missing one is NaN."""
    values: Numbers = column.cast(pa.float64()).to_numpy().astype(np.float64)
    return values


def categories(column: pa.ChunkedArray, train: NDArray[np.bool_]) -> Numbers:
    """Codes of the values that are most frequent in the rows where `train` holds; NaN for the others and missing."""
    counted = column.filter(pa.array(train)).drop_null().value_counts().to_pylist()
    ranked = sorted(counted, key=lambda pair: (-pair["counts"], pair["values"]))[:LARGEST_CATEGORY]
    codes = {pair["values"]: float(code) for code, pair in enumerate(ranked)}
    return np.array([codes.get(value, np.nan) for value in column.to_pylist()])


def fit(data: Dataset, settings: Sequence[dict[str, float]], trees: int) -> Fitted:
    """Trains each setting and keeps the one, and the number of trees, with the least log loss on the eval split."""
    candidates = [_fit(data, setting, trees) for setting in settings]
    return min(candidates, key=lambda fitted: fitted.eval_log_loss)


def _fit(data: Dataset, setting: dict[str, float], trees: int) -> Fitted:
    train, held, test = (data.part(name) for name in SPLITS)
    model = HistGradientBoostingClassifier(
        max_iter=trees, categorical_features=data.categorical, early_stopping=False, random_state=0, **setting
    )
    model.fit(data.features[train], data.labels[train])
    stages = islice(model.staged_predict_proba(data.features[held]), EVERY - 1, None, EVERY)
    losses = [float(log_loss(data.labels[held], scores[:, 1])) for scores in stages]
    best = EVERY * (int(np.argmin(losses)) + 1)
    scores = next(islice(model.staged_predict_proba(data.features[test]), best - 1, None))[:, 1]
    return Fitted(dict(setting), best, min(losses), scores)


class WeightedAuc:
    """The AUC of fixed scores under changing row weights; ties count half."""

    def __init__(self, labels: Numbers, scores: Numbers) -> None:
        order = np.argsort(scores, kind="stable")
        self._order, self._labels = order, labels[order]
        changes = np.flatnonzero(np.diff(scores[order])) + 1
        self._starts = np.concatenate([[0], changes])

    def __call__(self, weights: Numbers) -> float:
        """The AUC with `weights` [rows], none negative; NaN where a class has no weight."""
        ordered = weights[self._order]
        positive = np.add.reduceat(ordered * self._labels, self._starts)
        negative = np.add.reduceat(ordered * (1 - self._labels), self._starts)
        pairs = positive.sum() * negative.sum()
        below = np.cumsum(negative) - negative
        return float((positive * (below + negative / 2)).sum() / pairs) if pairs > 0 else float("nan")


def compare(model: Scored, reference: Scored, resamples: int, seed: int = 0) -> Comparison:
    """Both AUCs and their difference, with intervals from drawing the keys anew with replacement.

    Every draw takes the same keys for both models, so what makes a day hard for both leaves the difference alone.

    Raises:
        InputError: if the two do not have the same rows and positive rows a key.
    """
    keys = np.unique(reference.keys)
    check_same_rows(model, reference)
    of_model, of_reference = WeightedAuc(model.labels, model.scores), WeightedAuc(reference.labels, reference.scores)
    rows_model, rows_reference = np.searchsorted(keys, model.keys), np.searchsorted(keys, reference.keys)
    random = np.random.default_rng(seed)
    drawn = np.empty((resamples, 2))
    for index in range(resamples):
        times = np.bincount(random.integers(len(keys), size=len(keys)), minlength=len(keys)).astype(np.float64)
        drawn[index] = of_model(times[rows_model]), of_reference(times[rows_reference])
    own, other = of_model(np.ones(len(model.labels))), of_reference(np.ones(len(reference.labels)))
    return Comparison(
        model=_interval(own, drawn[:, 0]),
        reference=_interval(other, drawn[:, 1]),
        difference=_interval(own - other, drawn[:, 0] - drawn[:, 1]),
    )


def _interval(value: float, drawn: Numbers) -> Interval:
    low, high = np.nanquantile(drawn, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return Interval(value, float(low), float(high))


def check_same_rows(model: Scored, reference: Scored) -> None:
    """Compares rows and positive rows of each key.

    Raises:
        InputError: naming the first key in which they differ.
    """
    ours, theirs = _tally(model), _tally(reference)
    for key in sorted({*ours, *theirs}):
        if ours.get(key) != theirs.get(key):
            raise InputError(
                f"reference: the run's test rows are not those of the data. For key {key}: expected (rows, positive) "
                f"{theirs.get(key, (0, 0))}. Received: {ours.get(key, (0, 0))}. "
                "Run the pipeline again, without --quick."
            )


def _tally(scored: Scored) -> dict[str, tuple[int, int]]:
    keys, inverse, rows = np.unique(scored.keys, return_inverse=True, return_counts=True)
    positive = np.bincount(inverse, weights=scored.labels)
    return {str(key): (int(rows[i]), int(positive[i])) for i, key in enumerate(keys)}


def read_predictions(path: Path, problem: Problem) -> Scored:
    """The run's scores of its test split.

    Raises:
        InputError: if the file or one of its columns is absent.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file. Run the pipeline to its end first: python run_local.py")
    table = parquet.read_table(path)
    score = prediction_column(problem.task)
    wanted = [problem.split.key or "", problem.label, score]
    absent = [name for name in wanted if name not in table.column_names]
    if absent:
        raise InputError(f"{path}: expected columns {', '.join(wanted)}. Received: {', '.join(table.column_names)}")
    keys = [key.decode() if isinstance(key, bytes) else str(key) for key in table[wanted[0]].to_pylist()]
    return Scored(np.array(keys), numbers(table[problem.label]), numbers(table[score]))


def read_run(folder: Path) -> dict[str, Any]:
    """The run's record.

    Raises:
        InputError: if there is none.
    """
    try:
        record: dict[str, Any] = read_json(folder / "run.json")
    except FileNotFoundError:
        raise InputError(f"{folder / 'run.json'}: no such file. Run the pipeline first: python run_local.py") from None
    return record


def table_lines(run_id: str, fitted: Fitted, compared: Comparison, keys: int, rows: int) -> list[str]:
    """What was found, for people."""
    setting = ", ".join(f"{name} {value:g}" for name, value in fitted.setting.items())
    return [
        f"test split: {rows:,} rows, {keys} values of the split key",
        f"{'':<34}{'AUC':>8}  95 % interval",
        f"{'model of run ' + run_id:<34}{compared.model}",
        f"{'gradient boosting':<34}{compared.reference}",
        f"{'difference':<34}{compared.difference}",
        f"gradient boosting: {fitted.trees} trees, {setting}; chosen by log loss on eval, {fitted.eval_log_loss:.4f}",
    ]


def parse(arguments: list[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="benchmarks.reference", description=__doc__, allow_abbrev=False)
    parser.add_argument("--problem", default=DEFAULT_PROBLEM, help="a folder under schema/, or the path of one")
    parser.add_argument("--data", type=Path, help="folder of spans; the problem's own when left out")
    parser.add_argument("--output", default=DEFAULT_OUTPUT, help="where the pipeline wrote its runs")
    return parser.parse_args(arguments)


def run(chosen: argparse.Namespace) -> list[str]:
    """Compares, writes `reference.json` into the output folder, and returns what to show.

    Raises:
        InputError: if the run, its predictions or the data are absent or do not belong together.
    """
    output = existing_output(chosen.output)
    folder = problem_folder(chosen.problem, ROOT)
    problem = read_problem(folder)
    latest = output / "runs" / "latest"
    record = read_run(latest)
    scored = read_predictions(latest / "test_predictions.parquet", problem)
    spans = select(chosen.data or Path(problem.data.path), problem.data.pattern, parse_window(record["window"]))
    files = [path for paths in spans.values() for path in paths]
    data = load(problem, columns(read_schema(folder / "schema.pbtxt")), files)
    test = data.part("test")
    check_same_rows(scored, Scored(data.keys[test], data.labels[test], scored.scores))
    fitted = fit(data, SETTINGS, TREES)
    compared = compare(scored, Scored(data.keys[test], data.labels[test], fitted.scores), RESAMPLES)
    content = {
        "run_id": record["run_id"],
        "test_rows": int(test.sum()),
        "test_keys": len(np.unique(data.keys[test])),
        "confidence": CONFIDENCE,
        "auc": asdict(compared),
        "reference": {"setting": fitted.setting, "trees": fitted.trees, "eval_log_loss": fitted.eval_log_loss},
    }
    _write_json(output / "reference.json", content)
    return table_lines(record["run_id"], fitted, compared, content["test_keys"], content["test_rows"])


def _write_json(path: Path, content: dict[str, Any]) -> None:
    aside = path.with_name(f".{path.name}.partial")
    aside.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    aside.replace(path)


def main(arguments: list[str]) -> int:
    """Runs and returns the exit code: 0 done, 2 bad input."""
    chosen = parse(arguments)
    try:
        lines = run(chosen)
    except (PipelineError, OSError) as error:
        return ended(error, chosen.output)
    sys.stdout.write("\n".join(lines) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
