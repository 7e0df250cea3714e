"""By how much a variant's main metric differs from the server model's, on the whole split or on a slice of it."""

from dataclasses import dataclass

from schema.metrics import MAIN, metrics_of
from schema.rounding import rounded

# The slice of all rows, as evaluations call it.
OVERALL = "overall"

# Differences of decimal bounds such as 0.7 - 0.698 exceed 0.002 by rounding alone.
ROUNDING = 1e-9

# Whether more is better of each main metric, by its name.
_HIGHER_IS_BETTER = {name: bool(metrics_of(task)[name].higher_is_better) for task, name in MAIN.items()}


@dataclass(frozen=True)
class Change:
    """One slice's main metric.

    Attributes:
        slice: as evaluations name it: `overall`, or `soil=clay, crop=rye`.
        rows: of the test split in it.
        value: the variant's metric; None where undefined, as of an AUC of rows of one class.
        server: the server model's.
        change: variant minus server; None where one of them is undefined.
        low: lower end of the change's 95 % interval; None where none can be told, as of rows of one value of split.key.
        high: upper end.
    """

    slice: str
    rows: int
    value: float | None
    server: float | None
    change: float | None = None
    low: float | None = None
    high: float | None = None


def loss(change: Change, metric: str) -> float | None:
    """How much worse the variant is, in the metric's unit; negative where it is better, None where undefined."""
    if change.change is None:
        return None
    return -change.change if _HIGHER_IS_BETTER[metric] else change.change


def exceeds(change: Change, metric: str, bound: float) -> bool:
    """Whether the loss is more than the bound, and more than noise.

    It is more than noise where the interval of the change excludes 0. Where no interval can be told, the loss counts as
    it is: a variant is not let pass because little is known of it.
    """
    lost = loss(change, metric)
    if lost is None or lost <= bound + ROUNDING:
        return False
    return change.low is None or change.high is None or not change.low <= 0.0 <= change.high


def told(change: Change, metric: str, bound: float) -> str:
    """A sentence with the numbers of a loss."""
    lost = loss(change, metric)
    if lost is None or change.value is None or change.server is None:
        raise ValueError(f"{metric} on {change.slice}: no loss to tell of, since it is undefined")
    place = "" if change.slice == OVERALL else f" on {change.slice} ({change.rows:,} rows)"
    side = "below" if _HIGHER_IS_BETTER[metric] else "above"
    found = f"{metric} {change.value:.4f}{place} is {lost:.4f} {side} the server model's {change.server:.4f}"
    return f"{found} ({_interval(change, metric)}); at most {bound:.4f} allowed"


def _interval(change: Change, metric: str) -> str:
    if change.low is None or change.high is None:
        return "no interval: too few groups of rows"
    ends = (-change.high, -change.low) if _HIGHER_IS_BETTER[metric] else (change.low, change.high)
    return f"95 %: {rounded(ends[0], '.4f')} to {rounded(ends[1], '.4f')}"


def worst(changes: tuple[Change, ...], metric: str, rows: int) -> Change | None:
    """The slice of at least `rows` rows that lost most; None where no such slice is measured."""
    judged = [one for one in changes if one.rows >= rows and one.change is not None]
    return max(judged, key=lambda one: loss(one, metric) or 0.0, default=None)
