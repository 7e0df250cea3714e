"""A flipped bit in an artifact is named, and what was damaged made anew by the same run, or refused to who reads it."""

from pathlib import Path
from typing import Any

import pytest

from pipeline.local.artifact_checksums import ArtifactChecksums, checksums_file
from pipeline.local.node_result import NodeError, NodeResult
from pipeline.local.runner import LocalRunner, compile_graph
from schema.errors import DamagedFileError
from tests.damage import flip_bit
from tests.pipeline.release_graph import Output, unheard
from tests.pipeline.small_graph import Source, Step, pipeline


def run(folder: Path, name: str = "a", *, only: str | None = None, caching: bool = True) -> dict[str, NodeResult]:
    """One run of a source and a step behind it."""
    run_id = f"run-{len(list(folder.glob('run-*')))}"
    (folder / run_id).touch()
    source = Source(text="rows")
    graph = pipeline(folder, [source, Step(examples=source.outputs["examples"], meet="", name=name).with_id("Step")])
    graph.enable_cache = caching
    runner = LocalRunner(compile_graph(graph), run_id)
    if only:
        runner.choose(only, only)
    return {result.id: result for result in runner.run(unheard)}


def newest(folder: Path, node: str) -> Path:
    """The file of a node's newest artifact."""
    return max(folder.glob(f"artifacts/{node}/*/*/content"), key=lambda path: int(path.parent.name))


def refused(error: NodeError) -> str:
    """What the person is told who runs it."""
    assert isinstance(error.__cause__, DamagedFileError)
    return str(error.__cause__)


def test_what_is_damaged_is_named_and_made_anew_with_what_was_made_of_it(tmp_path: Path) -> None:
    run(tmp_path)
    damaged = newest(tmp_path, "Source")
    flip_bit(damaged)

    again = run(tmp_path)

    assert again["Source"].notices == (f"{damaged}: changed since it was written; it is no longer used",)
    assert {node: str(result.status) for node, result in again.items()} == {"Source": "ran", "Step": "ran"}
    assert again["Source"].why == "earlier result is gone"
    assert newest(tmp_path, "Source") != damaged
    assert newest(tmp_path, "Source").read_text(encoding="utf-8") == "rows"
    third = run(tmp_path)
    assert {str(result.status) for result in third.values()} == {"cached"}
    assert not any(result.notices for result in third.values())


def test_a_node_before_what_is_damaged_is_not_run_again(tmp_path: Path) -> None:
    run(tmp_path)
    newest(tmp_path, "Step").unlink()
    again = run(tmp_path)
    assert {node: str(result.status) for node, result in again.items()} == {"Source": "cached", "Step": "ran"}
    assert newest(tmp_path, "Step").read_text(encoding="utf-8") == "a"


def test_a_choice_of_nodes_is_refused_a_damaged_input_and_the_whole_graph_makes_it_anew(tmp_path: Path) -> None:
    run(tmp_path)
    damaged = newest(tmp_path, "Source")
    flip_bit(damaged)

    with pytest.raises(NodeError) as caught:
        run(tmp_path, "b", only="Step")

    assert refused(caught.value).startswith(
        f"{damaged}: changed since it was written. It is no longer used: run the same"
    )
    assert {str(result.status) for result in run(tmp_path, "b").values()} == {"ran"}
    assert newest(tmp_path, "Source").read_text(encoding="utf-8") == "rows"


def test_a_damaged_baseline_is_named_and_the_one_before_it_taken(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    output = Output(tmp_path)
    for seed, blessed in ((1, 1), (2, 1), (3, 0)):
        output.run(seed=seed, blessed=blessed)
    models = sorted(tmp_path.glob("artifacts/Trainer/model/*/content"), key=lambda path: int(path.parent.name))
    # As the second was judged, and not as the third, against the second.
    second = sorted(tmp_path.glob("artifacts/Evaluator/*/*/content"), key=lambda path: int(path.parent.name))[1]
    against = second.read_text(encoding="utf-8").partition(" ")[2]
    flip_bit(models[1])

    assert output.run(seed=4)["Evaluator"] == "ran"

    assert f"{models[1]}: changed since it was written; it is no longer used" in caplog.text
    assert newest(tmp_path, "Evaluator").read_text(encoding="utf-8").partition(" ")[2] == against


def test_a_damaged_record_is_damage_too_and_none_is_not(tmp_path: Path) -> None:
    run(tmp_path)
    record = checksums_file(str(newest(tmp_path, "Source").parent))
    flip_bit(record)
    assert str(run(tmp_path)["Source"].status) == "ran"
    # As of a run of before.
    checksums_file(str(newest(tmp_path, "Source").parent)).unlink()
    assert str(run(tmp_path)["Source"].status) == "cached"


def test_an_artifact_is_read_once_in_a_run(tmp_path: Path) -> None:
    uri = tmp_path / "Node" / "model" / "7"
    uri.mkdir(parents=True)
    (uri / "content").write_bytes(b"rows")
    ArtifactChecksums().record([str(uri)])
    checksums = ArtifactChecksums()
    assert checksums.faults(str(uri)) == []
    flip_bit(uri / "content")
    assert checksums.faults(str(uri)) == []
    assert ArtifactChecksums().faults(str(uri)) == [f"{uri}/content: changed"]


@pytest.mark.parametrize("uri", ["gs://bucket/artifacts/Node/model/7", "Node/model/schema", "Node/model/8"])
def test_what_is_no_numbered_folder_here_is_let_be(tmp_path: Path, uri: str, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "Node" / "model" / "schema").mkdir(parents=True)
    ArtifactChecksums().record([uri])
    assert ArtifactChecksums().faults(uri) == []
    assert not list(tmp_path.rglob(".system"))
