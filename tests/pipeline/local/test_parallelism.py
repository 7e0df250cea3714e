"""How much goes on at the same time: as configured, else by data and cores."""

from pathlib import Path
from typing import Any

import pytest

from pipeline.beam import workers as module
from pipeline.beam.workers import PROCESS_BYTES, THREAD_BYTES, Workers, chosen_workers
from pipeline.config.beam import Beam
from pipeline.config.pipeline_config import load_config
from pipeline.local.parallelism import Parallelism, parallelism, raw_bytes
from schema.errors import InputError
from tests.crops import PROBLEMS

PROBLEM = str(PROBLEMS / "crops")


ONE = Workers("in_memory", 1)


@pytest.mark.parametrize(
    ("raw_bytes", "cores", "expected"),
    [
        (THREAD_BYTES - 1, 8, ONE),
        (THREAD_BYTES, 1, ONE),
        (THREAD_BYTES, 2, Workers("multi_threading", 2)),
        (PROCESS_BYTES - 1, 8, Workers("multi_threading", 4)),
        (PROCESS_BYTES, 4, Workers("multi_threading", 4)),
        (PROCESS_BYTES, 8, Workers("multi_processing", 8)),
    ],
)
def test_workers_come_with_the_size_of_the_data_and_the_cores(raw_bytes: int, cores: int, expected: Workers) -> None:
    assert chosen_workers(Beam(), raw_bytes, cores) == expected


@pytest.mark.parametrize(
    ("configured", "raw_bytes", "expected"),
    [
        ({"workers": 1}, PROCESS_BYTES, ONE),
        ({"workers": 3}, 0, Workers("multi_threading", 3)),
        ({"workers": 3}, PROCESS_BYTES, Workers("multi_processing", 3)),
        ({"running_mode": "in_memory"}, PROCESS_BYTES, ONE),
        ({"running_mode": "multi_threading"}, 0, Workers("multi_threading", 4)),
        ({"running_mode": "multi_processing"}, 0, Workers("multi_processing", 8)),
        ({"running_mode": "multi_processing", "workers": 2}, 0, Workers("multi_processing", 2)),
    ],
)
def test_what_is_configured_holds_whatever_the_size(
    configured: dict[str, Any], raw_bytes: int, expected: Workers
) -> None:
    assert chosen_workers(Beam.model_validate(configured), raw_bytes, cores=8) == expected


def test_one_worker_in_memory_cannot_be_several() -> None:
    with pytest.raises(InputError, match=r"beam.*in_memory is one worker\. Received: workers 2"):
        load_config(PROBLEM, sets=["beam.running_mode=in_memory", "beam.workers=2"])


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
        (1, [], Parallelism(1, ONE)),
        (2, [], Parallelism(2, Workers("multi_threading", 2))),
        (2, ["local.parallel_nodes=1", "beam.workers=1"], Parallelism(1, ONE)),
        (2, ["local.parallel_nodes=5", "beam.workers=3"], Parallelism(5, Workers("multi_threading", 3))),
    ],
)
def test_cores_count_where_nothing_is_configured(
    data: str, monkeypatch: pytest.MonkeyPatch, cores: int, sets: list[str], expected: Parallelism
) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(cores)))
    monkeypatch.setattr(module, "THREAD_BYTES", 123)
    assert parallelism(load_config(PROBLEM, data=data, sets=sets)) == expected
