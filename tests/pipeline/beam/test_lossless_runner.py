import inspect
import itertools
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.fn_api_runner import worker_handlers
from apache_beam.runners.worker import sdk_worker_main
from apache_beam.runners.worker.data_plane import ClosableOutputStream, TimeBasedBufferingClosableOutputStream
from apache_beam.runners.worker.worker_pool_main import BeamFnExternalWorkerPoolServicer

from pipeline.beam.pipeline_options import graph_arguments, worker_arguments
from pipeline.beam.workers import Workers
from pipeline.config.environment import Environment
from pipeline.config.pipeline_config import ROOT

OURS = graph_arguments(Environment(name="local"))[0]
LARGE, SMALL = (300_000, 400), (50, 40_000)
SEEDS = 8


@pytest.fixture
def hurried_timer(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Lets Beam's timer fire a thousand times as often, and threads take turns five hundred times as often."""
    monkeypatch.setattr(worker_handlers, "DATA_BUFFER_TIME_LIMIT_MS", 1)
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


def elements(_: int, size: int, count: int) -> Iterator[tuple[int, bytes]]:
    for number in range(count // SEEDS):
        yield number % 4, bytes(size)


def write_count(group: tuple[int, Any], folder: Path) -> None:
    (folder / str(group[0])).write_text(str(sum(1 for _ in group[1])))


def counted(folder: Path, size: int, count: int, *arguments: str) -> int:
    """Elements that are still there after they went from the worker to the runner and back."""
    with beam.Pipeline(options=PipelineOptions(list(arguments))) as pipeline:
        _ = (
            pipeline
            | beam.Create(range(SEEDS))
            | beam.Reshuffle()
            | beam.FlatMap(elements, size, count)
            | beam.GroupByKey()
            | beam.Map(write_count, folder)
        )
    return sum(int(file.read_text()) for file in folder.iterdir())


@pytest.mark.usefixtures("hurried_timer")
@pytest.mark.parametrize(("size", "count"), [LARGE, SMALL], ids=["large", "many"])
def test_no_element_is_lost_between_threads(tmp_path: Path, size: int, count: int) -> None:
    assert counted(tmp_path, size, count, OURS, *worker_arguments(Workers("multi_threading", 2))) == count


@pytest.mark.usefixtures("hurried_timer")
def test_no_element_is_lost_between_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    size, count = LARGE
    assert counted(tmp_path, size, count, OURS, *worker_arguments(Workers("multi_processing", 2))) == count


def test_beam_alone_still_loses_elements() -> None:
    """By the report's program. Once this fails, pipeline/beam/lossless_runner.py can go."""
    text = (ROOT / "docs" / "upstream" / "beam_lost_elements.md").read_text(encoding="utf-8")
    program = text.split("```python\n")[1].split("```")[0]
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=300, check=False)
    assert done.stdout.startswith("lost "), done.stdout + done.stderr[-2000:]


def test_what_is_written_while_the_timer_flushes_is_gone() -> None:
    """The fault by itself: a timed stream takes what is buffered, and clears what was written since as well."""
    received: list[bytes] = []
    flushing, written = threading.Event(), threading.Event()

    def flush(data: bytes) -> None:
        received.append(data)
        flushing.set()
        written.wait(5)

    stream = ClosableOutputStream.create(received.append, flush, data_buffer_time_limit_ms=1)
    stream.write(b"first ")
    assert flushing.wait(5)
    stream.write(b"second")
    written.set()
    stream.close()
    assert b"second" not in b"".join(received)


def sign(_: int, name: str, book: Path) -> None:
    time.sleep(0.01)
    with book.open("a", encoding="utf-8") as file:
        file.write(f"{name}\n")


def test_pipelines_of_one_process_take_turns(tmp_path: Path) -> None:
    """Bundles of two pipelines at once could meet in one worker, whose channel knows no lock."""
    book = tmp_path / "book"

    def run(name: str) -> None:
        options = PipelineOptions([OURS, *worker_arguments(Workers("multi_threading", 2))])
        with beam.Pipeline(options=options) as pipeline:
            _ = pipeline | beam.Create(range(20)) | beam.Reshuffle() | beam.Map(sign, name, book)

    threads = [threading.Thread(target=run, args=(name,)) for name in ("one", "two", "three")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    turns = [(name, len(list(lines))) for name, lines in itertools.groupby(book.read_text().split())]
    assert sorted(turns) == [("one", 20), ("three", 20), ("two", 20)]


@pytest.mark.parametrize(
    "limit",
    [
        sdk_worker_main._get_data_buffer_time_limit_ms([]),
        inspect.signature(BeamFnExternalWorkerPoolServicer.start).parameters["data_buffer_time_limit_ms"].default,
    ],
    ids=["container", "pool"],
)
def test_workers_of_other_engines_have_no_timer(limit: int) -> None:
    """Flink's, Spark's and Dataflow's workers, and those of the pool that a cluster's machines run."""
    stream = ClosableOutputStream.create(None, None, data_buffer_time_limit_ms=limit)
    assert not isinstance(stream, TimeBasedBufferingClosableOutputStream)
