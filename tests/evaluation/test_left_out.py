"""What is left without a fold, by hand."""

import numpy as np

from evaluation.left_out import left_out
from evaluation.totals import total
from evaluation.vector_form import CELLS


def of(*rows: tuple[int, int, float]) -> list[list[float]]:
    """What is left of rows of (fold, cell, value): a list of the cells' sums for each fold that has a row."""
    fold, cell, value = (np.array(column) for column in zip(*rows, strict=True))
    sums: list[list[float]] = left_out(total(fold * CELLS + cell, value[:, np.newaxis])).sums[:, :, 0].tolist()
    return sums


def test_each_fold_leaves_the_sums_of_the_others() -> None:
    assert of((3, 0, 1.0), (3, 5, 2.0), (7, 0, 4.0), (19, 5, 8.0), (19, 5, 16.0)) == [
        [4.0, 24.0],
        [1.0, 26.0],
        [5.0, 2.0],
    ]


def test_of_what_lies_in_one_fold_alone_nothing_is_left_exactly() -> None:
    # To take a fold from the whole would not be exact: (0.1 + 0.2) - 0.2 is not 0.1.
    assert of((0, 0, 0.1), (0, 1, 0.3), (1, 0, 0.2), (2, 0, 0.3)) == [[0.5, 0.0], [0.4, 0.3], [0.1 + 0.2, 0.3]]


def test_an_infinite_value_goes_with_its_fold() -> None:
    assert of((0, 0, np.inf), (1, 0, 2.0), (2, 0, 3.0)) == [[5.0], [np.inf], [np.inf]]


def test_one_fold_leaves_nothing() -> None:
    assert of((4, 2, 1.5)) == [[0.0]]
