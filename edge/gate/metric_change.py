"""By how much a variant's main metric differs from the server model's, on the whole split or on a slice of it."""

from dataclasses import dataclass
from typing import Self

from schema.metrics import MAIN, metrics_of
from schema.rounding import metric_form, metric_text, rounded

# The slice of all rows, as evaluations call it.
OVERALL = "overall"

# Differences of decimal bounds such as 0.7 - 0.698 exceed 0.002 by rounding alone: a share of the numbers' own size.
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


@dataclass(frozen=True)
class Bound:
    """How much a metric may lose.

    Attributes:
        allowed: in the metric's unit.
        share: the same as a share of the label's standard deviation, where the bound was given so; else None.
    """

    allowed: float
    share: float | None = None

    @classmethod
    def of(cls, given: float, deviation: float | None) -> Self:
        """The bound as a problem gives it: in the metric's unit, or as a share of a deviation."""
        return cls(given) if deviation is None else cls(given * deviation, given)

    def __str__(self) -> str:
        """The bound in both forms."""
        amount = metric_text(self.allowed)
        return amount if self.share is None else f"{amount} ({self.share:g} of the label's standard deviation)"


def exceeds(change: Change, metric: str, bound: Bound) -> bool:
    """Whether the loss is more than the bound, and more than noise.

    It is more than noise where the interval of the change excludes 0. Where no interval can be told, the loss counts as
    it is: a variant is not let pass because little is known of it.
    """
    lost = loss(change, metric)
    if lost is None or lost <= bound.allowed + ROUNDING * max(abs(change.value or 0.0), abs(change.server or 0.0)):
        return False
    return change.low is None or change.high is None or not change.low <= 0.0 <= change.high


def told(change: Change, metric: str, bound: Bound) -> str:
    """A sentence with the numbers of a loss."""
    lost = loss(change, metric)
    if lost is None or change.value is None or change.server is None:
        raise ValueError(f"{metric} on {change.slice}: no loss to tell of, since it is undefined")
    place = "" if change.slice == OVERALL else f" on {change.slice} ({change.rows:,} rows)"
    side = "below" if _HIGHER_IS_BETTER[metric] else "above"
    form = metric_form(change.server or change.value)
    value, gap, server = (rounded(number, form) for number in (change.value, lost, change.server))
    found = f"{metric} {value}{place} is {gap} {side} the server model's {server}"
    return f"{found} ({_interval(change, metric, form)}); at most {bound} allowed"


def _interval(change: Change, metric: str, form: str) -> str:
    if change.low is None or change.high is None:
        return "no interval: too few groups of rows"
    ends = (-change.high, -change.low) if _HIGHER_IS_BETTER[metric] else (change.low, change.high)
    return f"95 %: {rounded(ends[0], form)} to {rounded(ends[1], form)}"


def worst(changes: tuple[Change, ...], metric: str, rows: int) -> Change | None:
    """The slice of at least `rows` rows that lost most; None where no such slice is measured."""
    judged = [one for one in changes if one.rows >= rows and one.change is not None]
    return max(judged, key=lambda one: loss(one, metric) or 0.0, default=None)
