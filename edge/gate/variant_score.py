"""How a device variant compares to the server model, and whether it may be released."""

import gzip
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from edge.gate.flip_rate import flip_rate
from edge.gate.metric_change import OVERALL, ROUNDING, Bound, Change, exceeds, loss, told, worst
from edge.runtime.litert_model import Array
from schema.errors import InputError
from schema.metrics import MAIN
from schema.problem import Device, DropUnit, Task

# Sentences on slices; a variant that lost everywhere needs no thirty of them.
_TOLD_SLICES = 3


@dataclass(frozen=True)
class Cost:
    """What a variant takes.

    Bytes of the file, its bytes after gzip, microseconds a row, rows a second in batches, and peak memory (None where
    it could not be measured).
    """

    bytes: int
    gzip_bytes: int
    latency_p50_us: float
    latency_p95_us: float
    rows_per_second: float
    peak_memory_bytes: int | None = None


@dataclass(frozen=True)
class Facts:
    """What is known of a variant's file without running it; see VariantScore."""

    operators: tuple[str, ...] = ()
    minimum_runtime: str | None = None
    backend: str | None = None
    technique: str | None = None
    expectation: str = ""
    forms: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Figures:
    """A variant's metrics beside the server model's, as evaluations compute them: all rows, and each slice."""

    whole: Change
    slices: tuple[Change, ...] = ()
    auc: float | None = None
    log_loss: float | None = None
    calibration: float | None = None


@dataclass(frozen=True)
class VariantScore:
    """A variant against the server model on the same rows.

    Attributes:
        name: the recipe.
        bytes: size of the .tflite file.
        gzip_bytes: its size after gzip.
        metric: name of the main metric: auc, accuracy or mean_absolute_error.
        value: the main metric; None where undefined (outputs not finite, no rows, one class only).
        server: the server model's main metric.
        change: variant minus server.
        change_low: lower end of the change's 95 % interval, a paired bootstrap over whole values of split.key.
        change_high: upper end.
        auc: for binary problems, else None.
        log_loss: in nats, for binary and multiclass problems, else None.
        calibration: mean prediction by mean label, for binary problems, else None.
        flip_rate: share of rows decided differently, see decisions.flip_rate.
        largest_difference: of any output from the server's, over rows with finite outputs; None without such rows.
        mean_difference: the mean of the same.
        label_deviation: standard deviation of these rows' labels, for a regression, else None.
        rows: rows compared.
        broken_rows: rows with an output that is not finite.
        latency_p50_us: microseconds for one row, median, see edge.benchmark.costs.
        latency_p95_us: microseconds for one row, 95th percentile.
        rows_per_second: in batches.
        peak_memory_bytes: what loading it, one row and one batch add to a process at its peak; None if not measured.
        operators: names of the builtin operators it uses.
        minimum_runtime: the oldest TFLite version that runs it, such as 2.5.0; None if not known.
        backend: what converted it.
        technique: of training, None for the trained model itself.
        expectation: what its recipe says to expect.
        forms: bytes of its other forms by name.
        slices: the main metric on every slice that the server model is judged on.
        worst_slice: of those with enough rows to be judged the one that lost most; None without any.
        cause: what a loss comes from, a sentence; None where nothing was lost or nothing was found.
        pareto: whether no other accepted variant is as good in size, latency and metric and better in one of them.
        accepted: whether the variant holds the bounds; False until judged.
        reasons: why not, one sentence each.
    """

    name: str
    bytes: int
    gzip_bytes: int
    metric: str
    value: float | None
    server: float | None
    change: float | None
    change_low: float | None
    change_high: float | None
    auc: float | None
    log_loss: float | None
    calibration: float | None
    flip_rate: float
    largest_difference: float | None
    mean_difference: float | None
    label_deviation: float | None
    rows: int
    broken_rows: int
    latency_p50_us: float
    latency_p95_us: float
    rows_per_second: float
    peak_memory_bytes: int | None
    operators: tuple[str, ...]
    minimum_runtime: str | None
    backend: str | None
    technique: str | None
    expectation: str
    forms: Mapping[str, int]
    slices: tuple[Change, ...] = ()
    worst_slice: Change | None = None
    cause: str | None = None
    pareto: bool = False
    accepted: bool = False
    reasons: tuple[str, ...] = ()

    @property
    def whole(self) -> Change:
        """The change on all rows."""
        return Change(OVERALL, self.rows, self.value, self.server, self.change, self.change_low, self.change_high)


def unconverted(name: str, task: Task, reason: str, facts: Facts | None = None) -> VariantScore:
    """The record of a recipe that gave no file: rejected, with nothing measured."""
    nothing = Cost(0, 0, 0.0, 0.0, 0.0)
    empty = np.zeros((0, 1), np.float32)
    figures = Figures(Change(OVERALL, 0, None, None))
    score = compare(name, nothing, facts or Facts(), task, np.zeros(0), empty, empty, figures)
    return replace(score, reasons=(f"not converted: {reason}",))


def gzip_size(content: bytes) -> int:
    """Bytes after gzip at its best level: what a download costs."""
    return len(gzip.compress(content, compresslevel=9, mtime=0))


def compare(
    name: str,
    cost: Cost,
    facts: Facts,
    task: Task,
    labels: Array,
    server: Array,
    variant: Array,
    figures: Figures,
    threshold: float = 0.5,
) -> VariantScore:
    """Puts together what is known of a variant; not yet judged.

    Args:
        name: the recipe.
        cost: bytes and times of the variant.
        facts: what its file says.
        task: kind of label.
        labels: [N]: 0 or 1, the class's index, or the value.
        server: float [N, k], finite: the server model's outputs.
        variant: float [N, k]: the variant's outputs for the same rows.
        figures: its metrics on them.
        threshold: probability from which the positive class is decided (binary only).

    Raises:
        InputError: if the shapes disagree, or the server's outputs are not finite.
    """
    _check(labels, server, variant)
    broken = ~np.isfinite(variant).all(axis=1)
    gap = np.abs(variant[~broken].astype(np.float64) - server[~broken])
    return VariantScore(
        name=name,
        metric=MAIN[task],
        value=figures.whole.value,
        server=figures.whole.server,
        change=figures.whole.change,
        change_low=figures.whole.low,
        change_high=figures.whole.high,
        auc=figures.auc,
        log_loss=figures.log_loss,
        calibration=figures.calibration,
        flip_rate=flip_rate(task, labels, server, variant, threshold),
        largest_difference=float(gap.max()) if gap.size else None,
        mean_difference=float(gap.mean()) if gap.size else None,
        label_deviation=_deviation(labels) if task is Task.REGRESSION else None,
        rows=len(labels),
        broken_rows=int(broken.sum()),
        slices=figures.slices,
        **vars(cost),
        **vars(facts),
    )


def judge(score: VariantScore, bounds: Device, min_slice_rows: int) -> tuple[str, ...]:
    """A sentence with numbers for each bound that the variant misses; none if it holds them all.

    A loss misses its bound where it exceeds it and the change's interval says that it is no noise.

    Args:
        score: what `compare` gave.
        bounds: problem.yaml's `device`: max_metric_drop and max_slice_drop in drop_unit, max_flip_rate as a share.
        min_slice_rows: rows below which a slice is not judged.
    """
    return (*_whole_reasons(score, bounds), *_slice_reasons(score, bounds, min_slice_rows), *_flips(score, bounds))


def judged(score: VariantScore, bounds: Device, min_slice_rows: int) -> VariantScore:
    """The score with its verdict, the reasons and the worst slice filled in; see judge."""
    reasons = judge(score, bounds, min_slice_rows)
    found = worst(score.slices, score.metric, min_slice_rows)
    return replace(score, accepted=not reasons, reasons=reasons, worst_slice=found)


def _whole_reasons(score: VariantScore, bounds: Device) -> tuple[str, ...]:
    if score.rows == 0:
        return ("no rows to score",)
    if score.broken_rows:
        return (f"{score.broken_rows} of {score.rows} rows have an output that is not finite",)
    if score.change is None:
        return (f"{score.metric} is undefined on these {score.rows} rows: the labels are all of one class",)
    bound = _bound(bounds.max_metric_drop, score, bounds)
    return (told(score.whole, score.metric, bound),) if exceeds(score.whole, score.metric, bound) else ()


def _bound(given: float, score: VariantScore, bounds: Device) -> Bound:
    return Bound.of(given, score.label_deviation if bounds.drop_unit is DropUnit.DEVIATION else None)


def _slice_reasons(score: VariantScore, bounds: Device, min_slice_rows: int) -> tuple[str, ...]:
    allowed = _bound(bounds.max_slice_drop, score, bounds)
    missed = [one for one in score.slices if one.rows >= min_slice_rows and exceeds(one, score.metric, allowed)]
    missed.sort(key=lambda one: -(loss(one, score.metric) or 0.0))
    reasons = [told(one, score.metric, allowed) for one in missed[:_TOLD_SLICES]]
    rest = len(missed) - len(reasons)
    return (*reasons, *([f"{rest} more slices lose more than {allowed} of {score.metric}"] if rest else []))


def _flips(score: VariantScore, bounds: Device) -> tuple[str, ...]:
    # Shares of rows, whose size is 1.
    if score.flip_rate <= bounds.max_flip_rate + ROUNDING:
        return ()
    over = score.flip_rate - bounds.max_flip_rate
    return (f"flip rate {score.flip_rate:.4f} is {over:.4f} above the {bounds.max_flip_rate:.4f} allowed",)


def _deviation(labels: Array) -> float | None:
    """Standard deviation; None for labels that never vary, and then a bound is in the metric's unit."""
    numbers = np.asarray(labels, np.float64)
    return float(np.std(numbers)) or None if numbers.size else None


def _check(labels: Array, server: Array, variant: Array) -> None:
    if server.ndim != 2 or server.shape != variant.shape or labels.shape != server.shape[:1]:
        raise InputError(
            "expected labels [N] and outputs [N, k] of the server and the variant. "
            f"Received: {list(labels.shape)}, {list(server.shape)}, {list(variant.shape)}"
        )
    if not np.isfinite(server).all():
        raise InputError("the server model's outputs are not all finite")
