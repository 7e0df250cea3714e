"""How many rows passed each boundary of a run, and the rule that none is lost or added between two of them.

Every node counts what it has written or scored, holds that against the count of those before it, and leaves its counts
beside its artifact's payload. Together they are the run's ledger.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from schema.errors import PipelineError, RowCountError

FILE = "row_counts.json"

# Boundaries, in the order in which rows pass them.
SOURCE, EXAMPLES = "source files", "examples"
STATISTICS_BY_SPAN, STATISTICS_BY_SPLIT = "statistics by span", "statistics by split"
ANALYZED, TRANSFORMED = "analyzed", "transformed"
TRAINED, VALIDATED = "trained per epoch", "validated per epoch"
EVALUATED, NO_SLICE, SLICES, SCORED = "evaluated", "in no slice", "sum of slices", "scored by device models"
BOUNDARIES = (
    SOURCE,
    EXAMPLES,
    STATISTICS_BY_SPAN,
    STATISTICS_BY_SPLIT,
    ANALYZED,
    TRANSFORMED,
    TRAINED,
    VALIDATED,
    EVALUATED,
    NO_SLICE,
    SLICES,
    SCORED,
)

_SHOWN = 5


@dataclass(frozen=True)
class RowCount:
    """Rows counted at one place, beside the number that is due there.

    Attributes:
        boundary: one of BOUNDARIES.
        rows: counted here.
        expected: counted by those before, on another way; None where nothing was counted before.
        against: what `expected` is the count of, such as "rows in Examples".
        split: of which the rows are; empty for all of them.
        span: of which the rows are, such as `span-03`; empty for all of them.
        file: that holds the rows; empty for several.
        of: what else tells counts of one boundary apart: a model, or the features of slices.
        dropped: rows that were left out here for a reason, by the reason.
        unit: what is counted.
    """

    boundary: str
    rows: int
    expected: int | None = None
    against: str = ""
    split: str = ""
    span: str = ""
    file: str = ""
    of: str = ""
    dropped: Mapping[str, int] = field(default_factory=dict)
    unit: str = "rows"

    @property
    def agrees(self) -> bool:
        """Whether every row that is due is counted or was left out for a reason."""
        return self.expected is None or self.rows + sum(self.dropped.values()) == self.expected

    @property
    def place(self) -> str:
        """Where it was counted, in words."""
        parts = [self.of, self.span, f"split '{self.split}'" if self.split else "", self.file]
        return ", ".join(part for part in parts if part) or "all rows"

    def __str__(self) -> str:
        left_out = "".join(f" and {rows:,} {reason}" for reason, rows in self.dropped.items())
        due = "" if self.expected is None else f", expected {self.expected:,} {self.against}".rstrip()
        return f"{self.boundary}, {self.place}: {self.rows:,} {self.unit}{left_out}{due}"


def slice_sum(features: str, rows: int, lacking: int, expected: int, against: str, side: str = "") -> RowCount:
    """The rows of all slices by a list of features together, beside those of all rows.

    Args:
        features: of the slices, as in `carrier, origin`.
        rows: of the slices.
        lacking: rows that lie in no such slice, since they lack a feature.
        expected: all rows.
        against: what `expected` is the count of.
        side: whose slices they are, where there are several.
    """
    dropped = {f"without {features}": lacking} if lacking else {}
    of = f"by {features}, {side}" if side else f"by {features}"
    return RowCount(SLICES, rows, expected, against, of=of, dropped=dropped)


def require_equal(node: str, counts: Iterable[RowCount], fix: str) -> None:
    """Refuses counts that do not agree with those before them.

    Args:
        node: that counted.
        counts: what it counted.
        fix: what to do about it, a sentence.

    Raises:
        RowCountError: with both numbers and the place of each.
    """
    wrong = [count for count in counts if not count.agrees]
    if not wrong:
        return
    shown = [f"  {count}" for count in wrong[:_SHOWN]]
    more = [f"  and {len(wrong) - _SHOWN:,} more places"] if len(wrong) > _SHOWN else []
    raise RowCountError("\n".join([f"{node}: rows were lost or added, so nothing of it is kept:", *shown, *more, fix]))


def write_counts(counts: Iterable[RowCount], folder: Path) -> None:
    """Writes a node's counts beside its payload."""
    folder.mkdir(parents=True, exist_ok=True)
    entries = [
        {name: value for name, value in asdict(count).items() if value not in ("", {}, None)} for count in counts
    ]
    (folder / FILE).write_text(json.dumps(entries, indent=1), encoding="utf-8")


def has_counts(folder: Path) -> bool:
    """Whether a node left its counts there."""
    return (folder / FILE).is_file()


def read_counts(folder: Path) -> list[RowCount]:
    """The counts that a node left there.

    Raises:
        PipelineError: if there are none, or they are no counts.
    """
    path = folder / FILE
    try:
        return [RowCount(**entry) for entry in json.loads(path.read_text(encoding="utf-8"))]
    except FileNotFoundError:
        raise PipelineError(
            f"{path}: no such file. Expected the row counts of the node that wrote this folder"
        ) from None
    except (ValueError, TypeError) as error:
        raise PipelineError(f"{path}: not readable as row counts: {error}") from None
