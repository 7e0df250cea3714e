"""The runner on small graphs, by TFX's own launcher: what overlaps, what is cached, and how a run ends that fails."""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ml_metadata import metadata_store
from ml_metadata.proto import metadata_store_pb2
from tfx import v1 as tfx
from tfx.dsl.component.experimental.annotations import InputArtifact, OutputArtifact, Parameter
from tfx.dsl.input_resolution import resolver_function
from tfx.dsl.input_resolution.ops import ops
from tfx.types.standard_artifacts import Examples, Model

from pipeline.beam.pipeline_options import importable_project, worker_arguments
from pipeline.beam.runners import InProcess
from pipeline.beam.workers import Workers
from pipeline.local.node_result import NodeError, NodeResult
from pipeline.local.runner import LocalRunner, compile_graph
from pipeline.metadata.cache_miss_reason import DEFINITION
from schema.errors import InputError, PipelineError
from tests.pipeline import small_graph
from tests.pipeline.small_graph import Ending, Failing, Source, Spread, Step, pipeline

ROOT = Path(__file__).resolve().parents[3]
PATIENCE_SECONDS = 120

Run = Callable[..., list[NodeResult]]


@pytest.fixture
def meet(tmp_path: Path) -> Path:
    """Where nodes see of each other that they run."""
    folder = tmp_path / "meet"
    folder.mkdir()
    return folder


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """run(nodes, at_once=..., only=..., caching=...): one run of the graph, into this test's folder."""

    def start(
        nodes: list[Any], *, at_once: int = 2, only: str | None = None, caching: bool = True, **options: Any
    ) -> list[NodeResult]:
        run_id = f"run-{len(list(tmp_path.glob('run-*')))}"
        (tmp_path / run_id).touch()
        graph = pipeline(tmp_path, nodes)
        graph.enable_cache = caching
        runner = LocalRunner(compile_graph(graph), run_id, at_once=at_once, **options)
        if only:
            runner.choose(only, only)
        return runner.run(unheard)

    return start


def unheard(node: str, result: NodeResult | None) -> None:
    """A progress that nobody looks at."""
    del node, result


def pair(meet: Path) -> list[Any]:
    """A source, and two nodes that wait for each other to begin."""
    source = Source(text="rows")
    examples = source.outputs["examples"]
    return [source, *(Step(examples=examples, meet=str(meet), name=name).with_id(name) for name in ("Left", "Right"))]


def statuses(results: list[NodeResult]) -> dict[str, str]:
    return {result.id: str(result.status) for result in results}


def causes(results: list[NodeResult]) -> dict[str, str]:
    return {result.id: result.why for result in results}


def test_independent_nodes_run_at_the_same_time(run: Run, meet: Path, tmp_path: Path) -> None:
    results = run(pair(meet))
    assert statuses(results) == {"Source": "ran", "Left": "ran", "Right": "ran"}
    assert published(tmp_path) == {"Examples": 1, "Model": 2}
    assert all(result.peak_mb is None or result.peak_mb > 1 for result in results)


def test_an_unchanged_run_is_cached_whatever_the_workers(run: Run, meet: Path) -> None:
    run(pair(meet))
    again = run(pair(meet), at_once=1, engine=InProcess(["--direct_num_workers=3"]))
    assert statuses(again) == {"Source": "cached", "Left": "cached", "Right": "cached"}
    assert [result.id for result in again] == ["Source", "Left", "Right"]


def test_one_node_runs_alone_on_what_an_earlier_run_made(run: Run, meet: Path) -> None:
    run(pair(meet))
    assert statuses(run(pair(meet), only="Left")) == {"Source": "skipped", "Left": "cached", "Right": "skipped"}


def test_a_condition_that_does_not_hold_skips(run: Run) -> None:
    source = Source(text="rows")
    with tfx.dsl.Cond(source.outputs["examples"].future()[0].property("span") == 7):
        step = Step(examples=source.outputs["examples"], meet="", name="never").with_id("Step")
    results = run([source, step])
    assert statuses(results) == {"Source": "ran", "Step": "skipped"}
    assert causes(results)["Step"] == "condition not met: span is not 7"


def named(text: str, name: str) -> list[Any]:
    """A source of this text, and a node of this name behind it."""
    source = Source(text=text)
    return [source, Step(examples=source.outputs["examples"], meet="", name=name).with_id("Step")]


def test_a_node_says_what_had_changed(run: Run, tmp_path: Path) -> None:
    assert causes(run(named("rows", "a"))) == dict.fromkeys(["Source", "Step"], "first run of this node")
    assert causes(run(named("rows", "a"))) == dict.fromkeys(["Source", "Step"], "nothing changed since run run-0")
    assert causes(run(named("rows", "b")))["Step"] == "changed setting: name"
    told = causes(run(named("more", "b")))
    assert told == {"Source": "changed setting: text", "Step": "new input: examples from Source"}
    # Both at an older result: of the first run, though a cached one came after it.
    assert causes(run(named("rows", "a"))) == dict.fromkeys(["Source", "Step"], "the same as in run run-0")
    assert causes(run(named("rows", "a"))) == dict.fromkeys(["Source", "Step"], "nothing changed since run run-0")
    shutil.rmtree(tmp_path / "artifacts" / "Step")
    told = causes(run(named("rows", "a")))
    assert told == {"Source": "nothing changed since run run-0", "Step": "earlier result is gone"}


def test_without_the_cache_a_node_says_so_and_what_had_changed(run: Run) -> None:
    run(named("rows", "a"))
    off = "caching is off (--no-cache)"
    expected = {"Source": off, "Step": f"{off}; new input: examples from Source; changed setting: name"}
    assert causes(run(named("rows", "b"), caching=False)) == expected


def test_what_changed_is_told_beside_a_choice_of_nodes(run: Run) -> None:
    run(named("rows", "a"))
    told = causes(run(named("rows", "b"), only="Step"))
    assert told == {"Source": "not chosen (--from/--to/--only)", "Step": "changed setting: name"}
    # The result that was brought along counts as the earlier one, of the run that made it.
    assert causes(run(named("rows", "b")))["Source"] == "nothing changed since run run-0"


def set_clock_back(folder: Path, hours: int) -> None:
    """Makes everything in the metadata store so many hours later, as if the clock had been set back since."""
    with sqlite3.connect(folder / "metadata.sqlite") as store:
        for table in ("Artifact", "Context", "Execution"):
            for column in ("create_time_since_epoch", "last_update_time_since_epoch"):
                store.execute(f"UPDATE {table} SET {column} = {column} + ?", (hours * 3_600_000,))  # noqa: S608
        store.execute("UPDATE Event SET milliseconds_since_epoch = milliseconds_since_epoch + ?", (hours * 3_600_000,))
    store.close()


def test_a_result_of_a_clock_that_was_ahead_is_found(run: Run, tmp_path: Path) -> None:
    run(named("rows", "a"))
    set_clock_back(tmp_path, hours=2)
    assert statuses(run(named("rows", "b"))) == {"Source": "cached", "Step": "ran"}
    assert (tmp_path / "artifacts" / "Step" / "model" / "4" / "content").read_text(encoding="utf-8") == "b"


@resolver_function.resolver_function
def later_spans(examples: Any) -> Any:
    """Finds nothing, which the node whose input this is cannot do without."""
    return ops.StaticSpanRange(examples, start_span=7, end_span=9)


@pytest.mark.parametrize("hours", [0, 2])
def test_a_node_that_did_nothing_has_failed_whatever_the_launcher_returned(
    run: Run, tmp_path: Path, hours: int
) -> None:
    run(named("rows", "a"))
    set_clock_back(tmp_path, hours)
    source = Source(text="rows")
    step = Step(examples=later_spans(source.outputs["examples"]), meet="", name="a").with_id("Step")
    with pytest.raises(NodeError) as caught:
        run([source, step])
    assert caught.value.node == "Step"
    assert statuses(caught.value.results) == {"Source": "cached", "Step": "failed"}
    told = str(caught.value.__cause__)
    assert told.startswith("it did nothing: the metadata store says failed of it. ")
    assert "inputs[examples] has min_count = 1 but only got 0 artifacts" in told
    assert ("The clock was set back: " in told) == (hours > 0)
    assert isinstance(caught.value.__cause__, PipelineError)


@resolver_function.resolver_function
def two_spans(examples: Any) -> Any:
    """TFX leaves a node out whose input this is, as long as there is one span alone."""
    return ops.SkipIfLessThanNSpans(examples, n=2)


def test_a_node_that_is_left_out_without_a_condition_has_failed(run: Run) -> None:
    source = Source(text="rows")
    step = Step(examples=two_spans(source.outputs["examples"]), meet="", name="never").with_id("Step")
    with pytest.raises(NodeError) as caught:
        run([source, step])
    assert str(caught.value.__cause__).startswith("it was not begun")


def test_another_class_under_the_same_name_is_another_definition(run: Run, tmp_path: Path) -> None:
    source = Source(text="rows")
    armed = str(tmp_path / "nothing")
    run([source, Ending(examples=source.outputs["examples"], armed=armed).with_id("Node")])
    source = Source(text="rows")
    told = causes(run([source, EndingToo(examples=source.outputs["examples"], armed=armed).with_id("Node")]))
    assert told == {"Source": "nothing changed since run run-0", "Node": DEFINITION}


@tfx.dsl.components.component
def EndingToo(examples: InputArtifact[Examples], model: OutputArtifact[Model], armed: Parameter[str]) -> None:  # noqa: ARG001, N802
    """As Ending, which does nothing where nothing is armed."""
    small_graph.write(model, "whole")


def test_after_a_failure_the_node_says_so(run: Run, meet: Path) -> None:
    (meet / "somebody").touch()
    source = Source(text="rows")
    failing = Failing(examples=source.outputs["examples"], meet=str(meet)).with_id("Node")
    with pytest.raises(NodeError) as caught:
        run([source, failing])
    assert causes(caught.value.results)["Node"] == "first run of this node"
    source = Source(text="rows")
    failing = Failing(examples=source.outputs["examples"], meet=str(meet)).with_id("Node")
    with pytest.raises(NodeError) as caught:
        run([source, failing])
    assert causes(caught.value.results) == {
        "Source": "nothing changed since run run-0",
        "Node": "the last attempt failed",
    }


def test_a_failure_lets_the_other_finish_and_is_named(run: Run, meet: Path, tmp_path: Path) -> None:
    source = Source(text="rows")
    examples = source.outputs["examples"]
    steady = Step(examples=examples, meet=str(meet), name="steady").with_id("Steady")
    failing = Failing(examples=examples, meet=str(meet)).with_id("Broken")
    after = Step(examples=examples, meet="", name="after").with_id("After")
    after.add_upstream_nodes([failing, steady])
    with pytest.raises(NodeError) as caught:
        run([source, steady, failing, after])
    assert caught.value.node == "Broken"
    assert isinstance(caught.value.__cause__, InputError)
    assert str(caught.value.__cause__) == "rows.csv:3: a sentence"
    assert statuses(caught.value.results) == {"Source": "ran", "Steady": "ran", "Broken": "failed"}
    assert published(tmp_path) == {"Examples": 1, "Model": 1}
    assert not list((tmp_path / "artifacts" / "Broken" / "model").glob("*"))


def test_what_finished_beside_a_failure_is_cached_afterwards(run: Run, meet: Path) -> None:
    source, left, _ = pair(meet)
    failing = Failing(examples=source.outputs["examples"], meet=str(meet)).with_id("Broken")
    with pytest.raises(NodeError):
        run([source, left, failing])
    assert statuses(run(pair(meet)))["Left"] == "cached"


def test_beam_workers_are_this_process_or_others_that_can_import_the_project(
    run: Run, meet: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Where the project is not, and installed it is neither.
    monkeypatch.chdir(meet)
    run(spread(again=0), engine=InProcess(worker_arguments(Workers())))
    assert told_processes(tmp_path) == {os.getpid()}
    with importable_project():
        run(spread(again=1), engine=InProcess(worker_arguments(Workers("multi_processing", 2))))
    assert len(told_processes(tmp_path) - {os.getpid()}) == 2


def spread(*, again: int) -> list[Any]:
    """A source, and a node that spreads over Beam's workers."""
    source = Source(text="rows")
    return [source, Spread(examples=source.outputs["examples"], again=again).with_id("Spread")]


def told_processes(folder: Path) -> set[int]:
    """The processes that told their ids in the newest run."""
    newest = max((folder / "artifacts" / "Spread" / "model").iterdir(), key=lambda path: int(path.name))
    return {int(path.read_text(encoding="utf-8")) for path in newest.iterdir()}


def published(folder: Path) -> dict[str, int]:
    """How many artifacts of each type the metadata store calls live."""
    config = metadata_store_pb2.ConnectionConfig()
    config.sqlite.filename_uri = str(folder / "metadata.sqlite")
    store = metadata_store.MetadataStore(config)
    live = [artifact.type for artifact in store.get_artifacts() if artifact.state == artifact.LIVE]
    return {name: live.count(name) for name in sorted(set(live))}


# A run of two nodes, one of which waits for a child process and one of which computes, as `run_local.py` ends it.
SCRIPT = """
import json, sys
from pathlib import Path
from pipeline.local.shutdown import INTERRUPTED, leave
from pipeline.beam.pipeline_options import importable_project, worker_arguments
from pipeline.beam.runners import InProcess
from pipeline.local.runner import LocalRunner, compile_graph
from pipeline.local.node_result import NodeError
from tests.pipeline.small_graph import Computing, Holding, Source, pipeline
folder = Path(sys.argv[1])
source = Source(text="rows")
given = {"examples": source.outputs["examples"], "meet": str(folder / "meet")}
nodes = [source, Holding(**given).with_id("Holding"), Computing(**given).with_id("Computing")]
try:
    LocalRunner(compile_graph(pipeline(folder, nodes)), "run", at_once=2).run(lambda node, result: None)
except NodeError as error:
    told = {"node": error.node, "cause": repr(error.__cause__), "nodes": [result.id for result in error.results],
            "causes": [result.why for result in error.results]}
    (folder / "told.json").write_text(json.dumps(told))
    leave(INTERRUPTED)
"""


def test_ctrl_c_ends_all_that_runs_and_publishes_nothing(tmp_path: Path, meet: Path) -> None:
    command = [sys.executable, "-c", SCRIPT, str(tmp_path)]
    with (tmp_path / "log").open("w") as log:
        running = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log, start_new_session=True)
    try:

        def begun() -> bool:
            return len(list(meet.iterdir())) == 2 or running.poll() is not None

        small_graph.wait_for(begun, "no nodes began", PATIENCE_SECONDS)
        began = time.monotonic()
        # To this process alone, as from a job's supervisor; a terminal's goes to its children too.
        os.kill(running.pid, signal.SIGINT)
        assert running.wait(PATIENCE_SECONDS) == 130, (tmp_path / "log").read_text(encoding="utf-8")
        assert time.monotonic() - began < PATIENCE_SECONDS / 2
        child = next(path.name for path in meet.glob("child-*")).removeprefix("child-")
        assert not Path(f"/proc/{child}").exists() or not alive(int(child))
    finally:
        if running.poll() is None:
            os.killpg(running.pid, signal.SIGKILL)
            running.wait()
    told = json.loads((tmp_path / "told.json").read_text(encoding="utf-8"))
    assert set(told["node"].split(" and ")) == {"Holding", "Computing"}
    assert told["cause"] == "KeyboardInterrupt()"
    assert set(told["nodes"]) == {"Source", "Holding", "Computing"}
    assert set(told["causes"]) == {"first run of this node"}
    assert published(tmp_path) == {"Examples": 1}


def alive(pid: int) -> bool:
    """Whether the process runs; one that ended and was not waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
