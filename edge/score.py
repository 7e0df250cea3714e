"""How a device variant compares to the server model, and whether it may be released."""

import gzip
from dataclasses import dataclass, replace

import numpy as np

from edge import metrics
from edge.runner import Array
from schema.errors import InputError
from schema.metrics import MAIN
from schema.problem import Device, Task

# Two regression values are different decisions when they differ by more than this share of the label's deviation.
REGRESSION_TOLERANCE = 0.01

# Differences of decimal bounds such as 0.7 - 0.698 exceed 0.002 by rounding alone.
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Cost:
    """What a variant takes: bytes in the file, after gzip, microseconds a row, and rows a second in batches."""

    bytes: int
    gzip_bytes: int
    latency_p50_us: float
    latency_p95_us: float
    rows_per_second: float


@dataclass(frozen=True)
class VariantScore:
    """A variant against the server model on the same rows.

    Attributes:
        name: the recipe.
        bytes: size of the .tflite file.
        gzip_bytes: its size after gzip.
        metric: name of the main metric: auc, accuracy or mean_absolute_error.
        value: the main metric; None where undefined (outputs not finite, no rows, one class only).
        auc: for binary problems, else None.
        log_loss: in nats, for binary and multiclass problems, else None.
        flip_rate: share of rows decided differently: on the other side of the threshold (binary), another most likely
            class (multiclass), or a value further off than 1 % of the labels' standard deviation (regression). A row
            whose output is not finite counts.
        largest_difference: of any output from the server's, over rows with finite outputs; None without such rows.
        mean_difference: the mean of the same.
        rows: rows compared.
        broken_rows: rows with an output that is not finite.
        latency_p50_us: microseconds for one row, median.
        latency_p95_us: microseconds for one row, 95th percentile.
        rows_per_second: in batches.
        accepted: whether the variant holds the bounds; False until judged.
        reasons: why not, one sentence each.
    """

    name: str
    bytes: int
    gzip_bytes: int
    metric: str
    value: float | None
    auc: float | None
    log_loss: float | None
    flip_rate: float
    largest_difference: float | None
    mean_difference: float | None
    rows: int
    broken_rows: int
    latency_p50_us: float
    latency_p95_us: float
    rows_per_second: float
    accepted: bool = False
    reasons: tuple[str, ...] = ()


def unconverted(name: str, task: Task, reason: str) -> VariantScore:
    """The record of a recipe that gave no file: rejected, with nothing measured."""
    nothing = Cost(0, 0, 0.0, 0.0, 0.0)
    empty = np.zeros((0, 1), np.float32)
    score = compare(name, nothing, task, np.zeros(0), empty, empty)
    return replace(score, reasons=(f"not converted: {reason}",))


def gzip_size(content: bytes) -> int:
    """Bytes after gzip at its best level: what a download costs."""
    return len(gzip.compress(content, compresslevel=9, mtime=0))


def compare(
    name: str, cost: Cost, task: Task, labels: Array, server: Array, variant: Array, threshold: float = 0.5
) -> VariantScore:
    """Scores a variant; not yet judged.

    Args:
        name: the recipe.
        cost: bytes and times of the variant.
        task: kind of label.
        labels: [N]: 0 or 1, the class's index, or the value.
        server: float [N, k], finite: the server model's outputs.
        variant: float [N, k]: the variant's outputs for the same rows.
        threshold: probability from which the positive class is decided (binary only).

    Raises:
        InputError: if the shapes disagree, or the server's outputs are not finite.
    """
    _check(labels, server, variant)
    value = metrics.main_metric(task, labels, variant)
    broken = ~np.isfinite(variant).all(axis=1)
    gap = np.abs(variant[~broken].astype(np.float64) - server[~broken])
    return VariantScore(
        name=name,
        metric=MAIN[task],
        value=value,
        auc=value if task is Task.BINARY else None,
        log_loss=metrics.log_loss(task, labels, variant),
        flip_rate=flip_rate(task, labels, server, variant, threshold),
        largest_difference=float(gap.max()) if gap.size else None,
        mean_difference=float(gap.mean()) if gap.size else None,
        rows=len(labels),
        broken_rows=int(broken.sum()),
        bytes=cost.bytes,
        gzip_bytes=cost.gzip_bytes,
        latency_p50_us=cost.latency_p50_us,
        latency_p95_us=cost.latency_p95_us,
        rows_per_second=cost.rows_per_second,
    )


def flip_rate(task: Task, labels: Array, server: Array, variant: Array, threshold: float) -> float:
    """Share of rows decided differently, in [0, 1]; see VariantScore. 0 without rows."""
    if len(labels) == 0:
        return 0.0
    if task is Task.BINARY:
        different = (server[:, 0] >= threshold) != (variant[:, 0] >= threshold)
    elif task is Task.MULTICLASS:
        different = np.argmax(server, axis=1) != np.argmax(variant, axis=1)
    else:
        allowed = REGRESSION_TOLERANCE * float(np.std(np.asarray(labels, np.float64)))
        different = np.abs(variant[:, 0].astype(np.float64) - server[:, 0]) > allowed
    return float(np.mean(different | ~np.isfinite(variant).all(axis=1)))


def judge(score: VariantScore, server_metric: float | None, bounds: Device) -> tuple[bool, tuple[str, ...]]:
    """Whether the variant holds the bounds, and a sentence with numbers for each that it misses.

    Args:
        score: what `compare` gave.
        server_metric: the server model's main metric on the same rows; None where undefined.
        bounds: problem.yaml's `device`: max_metric_drop in the metric's unit, max_flip_rate as a share.
    """
    reasons = (*_metric_reasons(score, server_metric, bounds), *_flip_reasons(score, bounds))
    return not reasons, reasons


def judged(score: VariantScore, server_metric: float | None, bounds: Device) -> VariantScore:
    """The score with `accepted` and `reasons` filled in by `judge`."""
    accepted, reasons = judge(score, server_metric, bounds)
    return replace(score, accepted=accepted, reasons=reasons)


def _metric_reasons(score: VariantScore, server_metric: float | None, bounds: Device) -> tuple[str, ...]:
    if score.rows == 0:
        return ("no rows to score",)
    if score.broken_rows:
        return (f"{score.broken_rows} of {score.rows} rows have an output that is not finite",)
    if score.value is None or server_metric is None:
        return (f"{score.metric} is undefined on these {score.rows} rows: the labels are all of one class",)
    falling = score.metric == MAIN[Task.REGRESSION]
    loss = score.value - server_metric if falling else server_metric - score.value
    if loss <= bounds.max_metric_drop + _ROUNDING:
        return ()
    side = "above" if falling else "below"
    found = f"{score.metric} {score.value:.4f} is {loss:.4f} {side} the server model's {server_metric:.4f}"
    return (f"{found}; at most {bounds.max_metric_drop:.4f} allowed",)


def _flip_reasons(score: VariantScore, bounds: Device) -> tuple[str, ...]:
    if score.flip_rate <= bounds.max_flip_rate + _ROUNDING:
        return ()
    over = score.flip_rate - bounds.max_flip_rate
    return (f"flip rate {score.flip_rate:.4f} is {over:.4f} above the {bounds.max_flip_rate:.4f} allowed",)


def _check(labels: Array, server: Array, variant: Array) -> None:
    if server.ndim != 2 or server.shape != variant.shape or labels.shape != server.shape[:1]:
        raise InputError(
            "expected labels [N] and outputs [N, k] of the server and the variant. "
            f"Received: {list(labels.shape)}, {list(server.shape)}, {list(variant.shape)}"
        )
    if not np.isfinite(server).all():
        raise InputError("the server model's outputs are not all finite")
