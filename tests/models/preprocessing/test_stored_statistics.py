"""An analysis that was kept goes on as if it had not been; one that is damaged is refused."""

import random
from pathlib import Path

import pytest

from models.preprocessing.stored_statistics import read_analysis, write_analysis
from models.preprocessing.training_statistics import merged
from schema.errors import DamagedFileError
from tests.damage import with_a_flipped_bit
from tests.models.preprocessing.test_training_statistics import REGRESSION, batch, of
from tests.models.rows_case import TRAIN, bound_problem


@pytest.mark.parametrize("changes", [{}, REGRESSION])
def test_an_analysis_that_was_kept_goes_on(tmp_path: Path, changes: dict[str, object]) -> None:
    bound = bound_problem(**changes)
    kept = read_analysis(write_analysis(tmp_path / "analysis", of(bound, TRAIN[:3])))
    kept.add(batch(TRAIN[3:]))
    assert kept.statistics() == of(bound, TRAIN).statistics()


def test_many_rows_give_the_statistics_of_parts_that_were_never_kept(tmp_path: Path) -> None:
    bound = bound_problem(features={"area": {"encoding": "quantiles", "buckets": 50}})
    values = random.Random(5).sample(range(100_000), 20_000)
    parts = [[{"area": value} for value in values[first::3]] for first in range(3)]
    kept = [write_analysis(tmp_path / str(place), of(bound, rows)) for place, rows in enumerate(parts)]
    assert (
        merged(bound, map(read_analysis, kept)).statistics()
        == merged(bound, (of(bound, rows) for rows in parts)).statistics()
    )


@pytest.mark.parametrize("place", [0.0, 0.3, 0.6, 1.0])
def test_a_flipped_bit_is_refused(tmp_path: Path, place: float) -> None:
    path = write_analysis(tmp_path / "analysis", of(bound_problem(), TRAIN))
    path.write_bytes(with_a_flipped_bit(path.read_bytes(), place))
    with pytest.raises(DamagedFileError, match=str(path)):
        read_analysis(path)
