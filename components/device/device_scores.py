"""Device variants judged as the server model is: the same metrics on the same slices, and what each variant costs."""

import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from tensorflow_metadata.proto.v0 import schema_pb2
from tensorflow_model_analysis.slicer import slicer_lib

from components.evaluation.batch_scoring import SERVER, Scored
from components.evaluation.eval_config import eval_config
from edge.benchmark.costs import measure_costs
from edge.convert import recipes
from edge.convert.converter import Converted
from edge.forms.writer import RAW, Forms
from edge.gate.bootstrap import area_replicates, draws, interval, mean_replicates, within
from edge.gate.budget_selection import with_front
from edge.gate.metric_change import OVERALL, Change
from edge.gate.quantization_diagnosis import cause
from edge.gate.variant_score import Cost, Facts, Figures, VariantScore, compare, judged
from edge.runtime.litert_model import Array, Columns, first_rows
from evaluation.rows import row_reader
from evaluation.scored_slices import ScoredSlices, Values
from evaluation.slices import GrowingSlices, RowSlices, SliceKey, row_slices, rows_without, slice_features
from models.export.raw_rows import Rows
from reports.artifacts.evaluation import slice_name
from schema.metrics import MAIN
from schema.problem import Problem, Task
from schema.rows import Kind

# What is told of a variant; the first of a task is its main metric, see schema.metrics.MAIN.
_METRICS = {
    Task.BINARY: ("auc", "log_loss", "calibration"),
    Task.MULTICLASS: ("accuracy", "log_loss"),
    Task.REGRESSION: ("mean_absolute_error",),
}
# The recipe that changes no number.
_REFERENCE = "float32"
# Rows on which the cause of a loss is looked for.
_DIAGNOSIS_ROWS = 2048


class SliceWatch:
    """Notes the slices of rows that are read for another purpose; memory is 16 bytes a row and list of features.

    Attributes:
        without: rows that lie in no slice by a list of features, since they lack one.
    """

    def __init__(self, problem: Problem, schema: schema_pb2.Schema) -> None:
        self._features = slice_features(_config(problem).slicing_specs)
        self._reader = row_reader(schema, {name for names in self._features for name in names}, 1)
        self._growing = GrowingSlices()
        self.without: Counter[tuple[str, ...]] = Counter(dict.fromkeys(filter(None, self._features), 0))

    def through(self, batches: Iterable[Rows]) -> Iterator[Rows]:
        """The batches as they are."""
        for rows in batches:
            columns = self._reader.decoded(rows.serialized.tolist()) if len(self._features) > 1 else {}
            self._growing.add(row_slices(columns, self._features, len(rows)), len(rows))
            lacking = rows_without(columns, self._features, len(rows)).tolist()
            self.without.update({names: count for names, count in zip(self._features, lacking, strict=True) if names})
            yield rows

    def result(self) -> RowSlices:
        """The slices of all that went through, in the order of their names; the first holds every row."""
        found = self._growing.result()
        order = sorted(range(len(found.keys)), key=lambda number: _natural(found.keys[number]))
        places = np.empty(len(order), np.int64)
        places[order] = np.arange(len(order))
        return RowSlices([found.keys[number] for number in order], found.row, places[found.place])


def _natural(key: SliceKey) -> list[tuple[str, bool, Any]]:
    """Numbers by size, words by letter."""
    return [(name, isinstance(value, str), value) for name, value in key]


def _config(problem: Problem) -> Any:
    """TFMA's config of what is told of a variant, on the slices that the server model is judged on."""
    asked = {"metrics": _METRICS[problem.task], "intervals": False, "bounds": {}, "changes": {}, "slice_bounds": {}}
    return eval_config(problem.model_copy(update={"evaluation": problem.evaluation.model_copy(update=asked)}))


@dataclass(frozen=True)
class _Measured:
    """One model: its metrics and, for the change's interval, the main metric in each draw; both by slice."""

    metrics: list[Values]
    replicates: list[Array]


class Judge:
    """Compares variants to the server model on one split."""

    def __init__(
        self, problem: Problem, scored: Scored, slices: RowSlices, label: Kind = Kind.INTEGER, seed: int = 0
    ) -> None:
        """Measures the server model.

        Args:
            problem: what is predicted, and the bounds.
            scored: labels, split keys, and the scores of the server model and of every variant.
            slices: of the same rows; the first holds them all.
            label: the label's type in the examples.
            seed: of the bootstrap.
        """
        self._problem, self._scored, self._slices = problem, scored, slices
        # An evaluation reads a number as tf.Example holds it.
        self._labels = scored.labels.astype(np.float32) if label is Kind.NUMBER else scored.labels
        self._tables = ScoredSlices(_config(problem), self._labels, slices)
        self._names = [slice_name(slicer_lib.serialize_slice_key(key)) for key in slices.keys]
        order = np.argsort(slices.place, kind="stable")
        edges = np.searchsorted(slices.place[order], np.arange(len(slices.keys) + 1))
        self._rows = [slices.row[order[a:b]] for a, b in itertools.pairwise(edges)]
        drawn = draws(_numbers(scored.keys), len(scored.labels), seed)
        self._draws = [within(drawn, rows) for rows in self._rows]
        self._server = self._measure(SERVER)

    def score(self, name: str, cost: Cost, facts: Facts) -> VariantScore:
        """The variant's score, judged by the problem's bounds."""
        scores, labels, problem = self._scored.scores, self._scored.labels, self._problem
        figures = self._figures(name)
        threshold = problem.evaluation.threshold
        found = compare(name, cost, facts, problem.task, labels, scores[SERVER], scores[name], figures, threshold)
        return judged(found, problem.device, problem.evaluation.min_slice_rows)

    def _figures(self, name: str) -> Figures:
        if not np.isfinite(self._scored.scores[name]).all():
            server = self._value(self._server, 0)
            return Figures(Change(OVERALL, len(self._labels), None, server))
        measured = self._measure(name)
        whole, *slices = [self._change(place, measured) for place in range(len(self._names))]
        told = measured.metrics[0]
        auc = whole.value if self._problem.task is Task.BINARY else None
        return Figures(whole, tuple(slices), auc, told.get("log_loss"), told.get("calibration"))

    def _measure(self, name: str) -> _Measured:
        scores = self._scored.scores[name]
        return _Measured(self._tables.metrics(name, scores), self._replicates(name, scores))

    def _replicates(self, name: str, scores: Array) -> list[Array]:
        if self._problem.task is Task.BINARY:
            places = self._tables.places(name, scores)
            if places is None:
                raise AssertionError("a binary problem's main metric is an area under the ROC curve")
            return [
                area_replicates(drawn, self._labels[rows], places[rows])
                for drawn, rows in zip(self._draws, self._rows, strict=True)
            ]
        values = _value_a_row(self._problem.task, self._labels, scores)
        return [mean_replicates(drawn, values[rows]) for drawn, rows in zip(self._draws, self._rows, strict=True)]

    def _value(self, measured: _Measured, place: int) -> float | None:
        """The main metric of a slice; None where it is undefined, as an AUC of rows of one class is."""
        return measured.metrics[place][MAIN[self._problem.task]]

    def _change(self, place: int, measured: _Measured) -> Change:
        rows, value, server = len(self._rows[place]), self._value(measured, place), self._value(self._server, place)
        if value is None or server is None:
            return Change(self._names[place], rows, value, server)
        differences = measured.replicates[place] - self._server.replicates[place]
        ends = interval(differences, self._draws[place].weights.shape[1])
        low, high = ends or (None, None)
        return Change(self._names[place], rows, value, server, value - server, low, high)


def _value_a_row(task: Task, labels: Array, scores: Array) -> Array:
    """[N] float64 whose mean is the main metric."""
    values = np.argmax(scores, axis=1) == labels if task is Task.MULTICLASS else np.abs(labels - scores[:, 0])
    return np.asarray(values, np.float64)


def _numbers(keys: pa.ChunkedArray | None) -> Array | None:
    """A number for each distinct split key."""
    if keys is None:
        return None
    found: Array = keys.combine_chunks().dictionary_encode().indices.to_numpy(zero_copy_only=False).astype(np.int64)
    return found


def score_all(
    made: Iterable[Converted],
    forms: Mapping[str, Forms],
    problem: Problem,
    scored: Scored,
    slices: RowSlices,
    label: Kind,
    timed: Columns,
) -> list[VariantScore]:
    """Every variant's score, judged; costs are measured with nothing else at work here.

    Args:
        made: the variants.
        forms: their files.
        problem: what is predicted, and the bounds.
        scored: the split's labels and scores.
        slices: the split's slices.
        label: the label's type in the examples.
        timed: raw rows on which the costs are measured and the cause of a loss is looked for.
    """
    kept = list(made)
    if not kept:
        return []
    files = {variant.recipe: variant.path for variant in kept}
    costs = measure_costs(files, timed)
    judge = Judge(problem, scored, slices, label)
    known = {variant.recipe: facts(variant, forms[variant.recipe]) for variant in kept}
    found = [judge.score(name, costs[name], told) for name, told in known.items()]
    return with_causes(found, files, first_rows(timed, _DIAGNOSIS_ROWS))


def facts(variant: Converted, forms: Forms) -> Facts:
    """What is known of the variant without running it."""
    sizes = {form: size for form, size in forms.sizes.items() if form != RAW}
    told = intended(variant.recipe)
    return replace(told, operators=variant.operators, minimum_runtime=variant.minimum_runtime, forms=sizes)


def intended(name: str) -> Facts:
    """What a recipe says of its variant."""
    recipe = recipes.find(name)
    return Facts(backend=recipe.backend, technique=recipe.technique, expectation=recipe.expectation)


def with_causes(scores: list[VariantScore], files: Mapping[str, Path], rows: Columns) -> list[VariantScore]:
    """The scores with the cause of each loss that quantization explains, and those on the Pareto front marked."""
    return with_front([replace(score, cause=_cause(score, files, rows)) for score in scores])


def _cause(score: VariantScore, files: Mapping[str, Path], rows: Columns) -> str | None:
    if score.accepted or score.name not in files:
        return None
    # Of other weights than the float32 file's, what its layers take is nothing to compare with.
    reference = files.get(_REFERENCE) if score.technique is None and score.name != _REFERENCE else None
    return cause(files[score.name], rows, reference)
