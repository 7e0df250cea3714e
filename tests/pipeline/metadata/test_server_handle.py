"""Small graphs with their metadata on a real server: PostgreSQL and MariaDB, each started by these tests."""

import json
import logging
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from absl import logging as absl_logging
from ml_metadata.proto import metadata_store_pb2

from pipeline.config.metadata import MetadataStore
from pipeline.local.node_result import NodeError, NodeResult
from pipeline.local.runner import LocalRunner, compile_graph
from pipeline.metadata.connection import check_login, check_server, open_store
from pipeline.metadata.namespace import on_server
from pipeline.metadata.server_handle import opener
from pipeline.metadata.type_registration import register_types
from schema.errors import InputError
from tests.pipeline.database_server import PASSWORD, Server, free_port, missing, running
from tests.pipeline.small_graph import Ending, Source, Step, pipeline, wait_for

ROOT = Path(__file__).resolve().parents[3]
JSON_IN_JSON = json.dumps({"schema": json.dumps({"value": 'a "quoted"\nline \\ '})})

Run = Callable[..., list[NodeResult]]


@pytest.fixture(scope="module", params=["postgresql", "mysql"])
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    if missing(request.param):
        pytest.skip(missing(request.param))
    with running(request.param) as started:
        yield started


@pytest.fixture(autouse=True)
def _password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("METADATA_PASSWORD", PASSWORD)


@pytest.fixture
def run(server: Server, tmp_path: Path) -> Run:
    """run(nodes, output=..., only=..., wait_seconds=...): one run of the graph on the server."""

    def start(
        nodes: list[Any], output: str = "mine", *, only: str | None = None, wait_seconds: int = 10
    ) -> list[NodeResult]:
        settings = MetadataStore(**server.settings(wait_seconds=wait_seconds))
        folder = tmp_path / output
        ir = compiled(settings, folder, nodes)
        # Runs are told apart by their time.
        run_id = f"{tmp_path.name}-{output}-{len(list(tmp_path.glob('run-*')))}"
        (tmp_path / f"run-{run_id}").touch()
        register_types(settings, ir)
        runner = LocalRunner(ir, run_id, at_once=2, open_store=opener(settings))
        if only:
            runner.choose(only, only)
        results = runner.run(unheard)
        for uri in runner.outputs().values():
            assert Path(uri).is_relative_to(folder)
        return results

    return start


def unheard(node: str, result: NodeResult | None) -> None:
    """A progress that nobody looks at."""
    del node, result


def compiled(settings: MetadataStore, folder: Path, nodes: list[Any]) -> Any:
    place = on_server(settings, "small", str(folder / "artifacts"), folder)
    return compile_graph(pipeline(folder, nodes, place))


def pair(meet: str = "", text: str = JSON_IN_JSON) -> list[Any]:
    """A source of JSON within JSON, and two nodes that wait for each other if there is a folder to meet in."""
    source = Source(text=text)
    examples = source.outputs["examples"]
    return [source, *(Step(examples=examples, meet=meet, name=name).with_id(name) for name in ("Left", "Right"))]


def statuses(results: list[NodeResult]) -> dict[str, str]:
    return {result.id: str(result.status) for result in results}


def causes(results: list[NodeResult]) -> dict[str, str]:
    return {result.id: result.why for result in results}


def test_nodes_overlap_and_a_second_run_is_cached(run: Run, tmp_path: Path) -> None:
    meet = tmp_path / "meet"
    meet.mkdir()
    assert statuses(run(pair(str(meet)))) == {"Source": "ran", "Left": "ran", "Right": "ran"}
    assert statuses(run(pair(str(meet)))) == {"Source": "cached", "Left": "cached", "Right": "cached"}


def test_a_node_says_what_had_changed(run: Run, tmp_path: Path) -> None:
    assert causes(run(pair())) == dict.fromkeys(["Source", "Left", "Right"], "first run of this node")
    made_in = f"{tmp_path.name}-mine-0"
    expected = dict.fromkeys(["Source", "Left", "Right"], f"nothing changed since run {made_in}")
    assert causes(run(pair())) == expected
    told = causes(run(pair(text=JSON_IN_JSON.replace("quoted", "other"))))
    assert told.pop("Source") == "changed setting: text.schema.value"
    assert set(told.values()) == {"new input: examples from Source"}


def test_one_node_runs_alone_on_what_an_earlier_run_made(run: Run) -> None:
    run(pair())
    assert statuses(run(pair(), only="Left")) == {"Source": "skipped", "Left": "cached", "Right": "skipped"}


def test_another_output_folder_finds_nothing_of_this_one(run: Run, tmp_path: Path) -> None:
    run(pair())
    with pytest.raises(InputError, match="no earlier run in this output folder has done Source"):
        run(pair(), "theirs", only="Left")
    assert set(statuses(run(pair(), "theirs")).values()) == {"ran"}
    assert set(statuses(run(pair())).values()) == {"cached"}
    (tmp_path / "mine").rename(tmp_path / "moved")
    assert set(statuses(run(pair(), "moved")).values()) == {"ran"}


def test_a_text_with_backslashes_comes_back_whole(run: Run, server: Server) -> None:
    run(pair())
    executions = open_store(MetadataStore(**server.settings())).get_executions()
    texts = {e.custom_properties["text"].string_value for e in executions if "text" in e.custom_properties}
    assert JSON_IN_JSON in texts
    assert not any("\x1a" in text for text in texts)


def test_a_server_that_is_killed_is_named_and_the_run_resumes(run: Run, server: Server, tmp_path: Path) -> None:
    nodes = ending(tmp_path, server)
    try:
        with pytest.raises(NodeError) as caught:
            run(nodes(), wait_seconds=2)
    finally:
        server.kill()
        server.start()
    told = str(caught.value.__cause__)
    assert isinstance(caught.value.__cause__, InputError)
    assert f"metadata: {server.store} at 127.0.0.1:{server.port}, database 'metadata' failed during the run: " in told
    assert "Connection refused" in told
    assert "run the same command again" in told
    assert PASSWORD not in told
    assert statuses(run(nodes())) == {"Source": "cached", "Ending": "ran"}


def test_a_server_that_comes_back_in_time_is_waited_for(run: Run, server: Server, tmp_path: Path) -> None:
    nodes = ending(tmp_path, server)

    def start_again() -> None:
        wait_for(lambda: not (tmp_path / "armed").exists(), "nobody killed the server")
        server.kill()
        server.start()

    helper = threading.Thread(target=start_again)
    helper.start()
    try:
        assert statuses(run(nodes(), wait_seconds=60)) == {"Source": "ran", "Ending": "ran"}
    finally:
        helper.join()


def ending(folder: Path, server: Server) -> Callable[[], list[Any]]:
    """Gives a graph whose second node kills the server the first time that it runs."""
    armed = folder / "armed"
    assert server.process is not None
    armed.write_text(str(server.process.pid), encoding="utf-8")

    def nodes() -> list[Any]:
        source = Source(text="rows")
        return [source, Ending(examples=source.outputs["examples"], armed=str(armed)).with_id("Ending")]

    return nodes


def test_the_password_is_in_no_log_and_no_graph(
    run: Run, server: Server, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    before = absl_logging.get_verbosity()
    absl_logging.set_verbosity(absl_logging.DEBUG)
    try:
        with caplog.at_level(logging.DEBUG):
            run(pair())
    finally:
        absl_logging.set_verbosity(before)
    assert "MetadataStore with DB connection initialized" in caplog.text
    assert not any(part in caplog.text for part in (PASSWORD, repr(PASSWORD), "pass word"))
    settings = MetadataStore(**server.settings())
    assert "pass word" not in str(compiled(settings, tmp_path / "mine", pair()))


@pytest.mark.parametrize(
    ("changed", "password", "told"),
    [
        ({}, "another", {"postgresql": "password authentication failed", "mysql": "the login of user 'mlmd' failed"}),
        ({}, "", {"postgresql": "no password supplied", "mysql": "the login of user 'mlmd' failed"}),
        ({"database": "nope"}, PASSWORD, {"postgresql": 'database "nope" does not exist', "mysql": "'nope'"}),
    ],
)
def test_what_the_server_refuses_is_told_with_what_mends_it(
    server: Server, monkeypatch: pytest.MonkeyPatch, changed: dict[str, Any], password: str, told: dict[str, str]
) -> None:
    monkeypatch.setenv("METADATA_PASSWORD", password)
    with pytest.raises(InputError) as caught:
        check_login(MetadataStore(**server.settings(**changed)))
    assert str(caught.value).startswith(f"metadata: {server.store} at 127.0.0.1:{server.port}, database ")
    assert told[server.store] in str(caught.value)
    mends = "user 'mlmd' use the database" if changed and server.store == "mysql" else "Mend|mend"
    assert any(mend in str(caught.value) for mend in mends.split("|"))


def test_a_port_where_nothing_listens_is_named_at_once(server: Server) -> None:
    with pytest.raises(InputError, match=r"Connection refused\. Start the server, or mend metadata\.host"):
        check_server(MetadataStore(**server.settings(port=free_port())))


def test_another_kind_of_server_is_told(server: Server) -> None:
    other = "mysql" if server.store == "postgresql" else "postgresql"
    with pytest.raises(InputError, match=r"no answer in 2 s|what listens there is no PostgreSQL"):
        check_server(MetadataStore(**server.settings(store=other, wait_seconds=2)))


# Registers types that are new to the store, one after another, each as soon as the other process is as far.
SCRIPT = """
import sys, json, time
from pathlib import Path
from tfx.proto.orchestration import pipeline_pb2
from pipeline.metadata.connection import check_login
from pipeline.config.metadata import MetadataStore
from pipeline.metadata.type_registration import register_types
mine, theirs, settings = Path(sys.argv[1]), Path(sys.argv[2]), MetadataStore(**json.loads(sys.argv[3]))
for number in range(24):
    graph = pipeline_pb2.Pipeline()
    graph.nodes.add().pipeline_node.node_info.type.name = f"node {number}"
    (mine / str(number)).touch()
    while not (theirs / str(number)).exists():
        pass
    if number == 0:
        check_login(settings)
    register_types(settings, graph)
"""


def test_two_first_runs_at_once_register_each_type_once(tmp_path: Path) -> None:
    if missing("postgresql"):
        pytest.skip(missing("postgresql"))
    folders = [tmp_path / "mine", tmp_path / "theirs"]
    for folder in folders:
        folder.mkdir()
    with running("postgresql") as fresh:
        given = json.dumps(fresh.settings(wait_seconds=60))
        both = [
            subprocess.Popen([sys.executable, "-c", SCRIPT, *map(str, order), given], cwd=ROOT)
            for order in (folders, folders[::-1])
        ]
        try:
            assert [process.wait(240) for process in both] == [0, 0]
        finally:
            for process in both:
                process.kill()
        store = open_store(MetadataStore(**fresh.settings()))
        for types in (store.get_execution_types(), store.get_context_types(), store.get_artifact_types()):
            names = [type_.name for type_ in types]
            assert sorted(set(names)) == sorted(names)
        assert {f"node {number}" for number in range(24)} <= {type_.name for type_ in store.get_execution_types()}


def test_files_of_another_store_are_not_written_into(run: Run, tmp_path: Path) -> None:
    run(pair())
    [kept] = tmp_path.glob("mine/artifacts-*/Source/examples/*")
    # As after the database was made anew: these numbers are still to come.
    for number in range(int(kept.name) + 1, int(kept.name) + 40):
        (kept.parent / str(number)).mkdir()
        (kept.parent / str(number) / "content").write_text("of another store", encoding="utf-8")
    with pytest.raises(NodeError) as caught:
        run([Source(text="other rows")])
    assert isinstance(caught.value.__cause__, InputError)
    assert "has files already, of which the metadata store knows nothing" in str(caught.value.__cause__)
    contents = {path.read_text(encoding="utf-8") for path in kept.parent.glob("*/content")}
    assert contents == {JSON_IN_JSON, "of another store"}


def test_localhost_is_where_the_port_is(server: Server) -> None:
    settings = MetadataStore(**server.settings(host="localhost", wait_seconds=2))
    check_login(settings)
    assert (
        open_store(settings).get_context_types() == open_store(MetadataStore(**server.settings())).get_context_types()
    )


def test_what_is_asked_for_by_ids_comes_in_their_order_even_after_an_update(server: Server) -> None:
    store = open_store(MetadataStore(**server.settings()))
    kind = store.put_artifact_type(metadata_store_pb2.ArtifactType(name="Ordered"))
    ids = store.put_artifacts([metadata_store_pb2.Artifact(type_id=kind, uri=f"/{n}") for n in range(3)])
    # PostgreSQL writes an updated row anew, behind the others.
    (first,) = store.get_artifacts_by_id(ids[:1])
    first.state = metadata_store_pb2.Artifact.LIVE
    store.put_artifacts([first])
    assert [found.id for found in store.get_artifacts_by_id(ids)] == ids
