"""How much goes on at the same time: as configured, else by data and cores."""

from pathlib import Path

import pytest

from pipeline import parallelism as module
from pipeline.config import Beam, load_config
from pipeline.parallelism import PARALLEL_BYTES, Parallelism, chosen_workers, parallelism, raw_bytes
from schema.errors import InputError
from tests.crops import PROBLEMS

PROBLEM = str(PROBLEMS / "crops")


@pytest.mark.parametrize(
    ("configured", "raw_bytes", "cores", "expected"),
    [
        (None, 0, 8, 1),
        (None, PARALLEL_BYTES - 1, 8, 1),
        (None, PARALLEL_BYTES, 8, 8),
        (None, PARALLEL_BYTES, 1, 1),
        (1, PARALLEL_BYTES, 8, 1),
        (3, 0, 2, 3),
    ],
)
def test_workers_are_as_configured_else_chosen_by_the_size_of_the_data(
    configured: int | None, raw_bytes: int, cores: int, expected: int
) -> None:
    assert chosen_workers(Beam(workers=configured), raw_bytes, cores) == expected


@pytest.fixture
def data(tmp_path: Path) -> str:
    """Three spans of 100, 20 and 3 bytes."""
    for year, size in ((2019, 100), (2020, 20), (2021, 3)):
        (tmp_path / f"year-{year}.csv").write_bytes(b"x" * size)
    return str(tmp_path)


def test_the_window_is_measured_and_a_sample_is_small(data: str) -> None:
    assert raw_bytes(load_config(PROBLEM, data=data)) == 123
    assert raw_bytes(load_config(PROBLEM, data=data, window="2020:")) == 23
    assert raw_bytes(load_config(PROBLEM, data=data, quick=True)) == 0
    with pytest.raises(InputError, match="no data in spans 2030:"):
        raw_bytes(load_config(PROBLEM, data=data, window="2030:"))


@pytest.mark.parametrize(
    ("cores", "sets", "expected"),
    [
        (1, [], Parallelism(1, 1)),
        (2, [], Parallelism(2, 2)),
        (8, [], Parallelism(2, 8)),
        (2, ["local.parallel_nodes=1", "beam.workers=1"], Parallelism(1, 1)),
        (2, ["local.parallel_nodes=5", "beam.workers=3"], Parallelism(5, 3)),
    ],
)
def test_cores_count_where_nothing_is_configured(
    data: str, monkeypatch: pytest.MonkeyPatch, cores: int, sets: list[str], expected: Parallelism
) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(cores)))
    monkeypatch.setattr(module, "PARALLEL_BYTES", 123)
    assert parallelism(load_config(PROBLEM, data=data, sets=sets)) == expected
