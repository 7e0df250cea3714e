"""Rows that the server model and the device variants scored, beside those in Examples and beside each other."""

from collections import Counter
from collections.abc import Mapping

import numpy as np

from components.data.example_rows import IN_EXAMPLES
from components.evaluation.batch_scoring import Scored
from evaluation.slices import RowSlices
from schema.row_ledger import SCORED, RowCount, slice_sum


def device_counts(
    scored: Scored, slices: RowSlices, without: Mapping[tuple[str, ...], int], due: int
) -> list[RowCount]:
    """Counts of the test split's scores.

    Args:
        scored: labels and scores.
        slices: of the same rows.
        without: rows that lie in no slice by a list of features, since they lack one.
        due: rows of the test split in Examples.
    """
    models = {"rows read": len(scored.labels)} | {name: len(scores) for name, scores in scored.scores.items()}
    counts = [RowCount(SCORED, rows, due, IN_EXAMPLES, split="test", of=name) for name, rows in models.items()]
    sums: Counter[tuple[str, ...]] = Counter()
    by_slice = np.bincount(slices.place, minlength=len(slices.keys)).tolist()
    for key, rows in zip(slices.keys, by_slice, strict=True):
        sums[tuple(name for name, _ in key)] += rows
    for features, lacking in without.items():
        counts.append(slice_sum(", ".join(features), sums[features], lacking, due, IN_EXAMPLES))
    return counts
