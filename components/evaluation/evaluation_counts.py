"""Rows that were evaluated: by shard, by model and by slice, beside those in Examples and beside each other."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from components.data.example_rows import IN_EXAMPLES, span_of
from reports.artifacts.evaluation import BASELINE, CANDIDATE, EXAMPLE_COUNT, OVERALL, SliceResult
from schema.row_ledger import EVALUATED, NO_SLICE, RowCount, read_counts, slice_sum

# Rows that lack one of a list's features, by the features as in `carrier, origin`.
Without = Mapping[str, int]


def evaluation_counts(
    slices: Sequence[SliceResult], seen: Mapping[str, int], without: Without, shards: Mapping[str, Mapping[str, int]]
) -> list[RowCount]:
    """Counts of an evaluation.

    Args:
        slices: its results.
        seen: rows that were read, by shard as `Split-<split>/<name>`.
        without: rows that lie in no slice by a list of features, since they lack one.
        shards: rows in Examples by shard, by split; see components.data.example_rows.
    """
    due = sum(rows for by_shard in shards.values() for rows in by_shard.values())
    read = [
        RowCount(
            EVALUATED,
            seen.get(f"Split-{split}/{shard}", 0),
            rows,
            IN_EXAMPLES,
            split=split,
            span=span_of(shard),
            file=shard,
        )
        for split, by_shard in shards.items()
        for shard, rows in by_shard.items()
    ]
    overall = next((one for one in slices if one.name == OVERALL), None)
    if overall is None:
        return [*read, RowCount(EVALUATED, 0, due, IN_EXAMPLES, split=", ".join(shards), of=CANDIDATE)]
    measured = [
        RowCount(EVALUATED, _rows(overall, side), due, IN_EXAMPLES, split=", ".join(shards), of=side)
        for side in (CANDIDATE, BASELINE)
        if overall.sides.get(side)
    ]
    return [*read, *measured, *slice_counts(slices, without)]


def slice_counts(slices: Sequence[SliceResult], without: Without) -> list[RowCount]:
    """For each list of features, and each model, the rows of its slices together beside those of all rows.

    Args:
        slices: of an evaluation, the slice of all rows among them.
        without: see evaluation_counts.
    """
    overall = next(one for one in slices if one.name == OVERALL)
    sides = [side for side in (CANDIDATE, BASELINE) if overall.sides.get(side)]
    lacking = [RowCount(NO_SLICE, rows, of=names) for names, rows in without.items()]
    return lacking + [_of_features(count, slices, overall, side) for count in lacking for side in sides]


def rows_without(evaluation: Path) -> Without:
    """What the counts beside an evaluation say.

    Raises:
        PipelineError: if it has no counts.
    """
    return {count.of: count.rows for count in read_counts(evaluation) if count.boundary == NO_SLICE}


def _of_features(lacking: RowCount, slices: Sequence[SliceResult], overall: SliceResult, side: str) -> RowCount:
    names = lacking.of
    rows = sum(_rows(one, side) for one in slices if ", ".join(name for name, _ in one.pairs) == names)
    other = "" if side == CANDIDATE else side
    return slice_sum(names, rows, lacking.rows, _rows(overall, side), "evaluated overall", other)


def _rows(found: SliceResult, side: str) -> int:
    return round(found.estimate(EXAMPLE_COUNT, side).value) if EXAMPLE_COUNT in found.sides.get(side, {}) else 0
