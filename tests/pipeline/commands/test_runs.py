"""The runs command: what it reads, what it takes, and what it says when it cannot."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import tensorflow as tf
from google.protobuf import text_format
from tensorflow_model_analysis.proto import metrics_for_slice_pb2

from components.data.span_store import SPANS_FILE
from components.release.release_store import CURRENT, Release, Stamp, publish
from pipeline.commands.runs import main
from pipeline.local.session import is_held, locked
from reports.runs.run_record import RunRecord, write_json, write_record

ROOT = Path(__file__).resolve().parents[3]
IDS = [f"20130{month}01T120000-000000" for month in (1, 2, 3)]

Command = Callable[..., tuple[int, list[str], str]]


def lay_nothing(_: Path, __: Stamp) -> None:
    """Leaves the version without device files."""


@pytest.fixture
def command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Command:
    """command("list", ...): exit code, lines on standard output and the text on standard error."""

    def run(*arguments: str) -> tuple[int, list[str], str]:
        code = main([*arguments, "--output", str(tmp_path)])
        written = capsys.readouterr()
        return code, written.out.splitlines(), written.err

    return run


@pytest.fixture(autouse=True)
def recorded(tmp_path: Path) -> None:
    """Three runs, of which the last is of another problem."""
    for place, run_id in enumerate(IDS):
        problem = "crops" if place == 2 else "flights"
        folder = tmp_path / "runs" / run_id
        folder.mkdir(parents=True)
        artifacts = artifacts_of(tmp_path, place)
        metrics = {"candidate": {"auc": 0.7 + place / 100}, "baseline": {}}
        write_record(RunRecord(run_id, "finished", problem=problem, metrics=metrics, artifacts=artifacts), folder)
        write_json({"problem": {"name": problem, "network": {"epochs": place}}}, folder / "config.json")


def artifacts_of(output: Path, place: int) -> dict[str, str]:
    """Examples and an evaluation, as the nodes write them."""
    found = {
        name: f"artifacts/{name.replace('.', '/')}/{place}" for name in ("ExampleGen.examples", "Evaluator.evaluation")
    }
    for path in found.values():
        (output / path).mkdir(parents=True)
    spans = [{"span": 1, "folder": "/cache/01-a-all", "rows": {"train": 5}}] * (place + 1)
    listing = [{**span, "span": number} for number, span in enumerate(spans)]
    (output / found["ExampleGen.examples"] / SPANS_FILE).write_text(json.dumps(listing), encoding="utf-8")
    value = f'key {{ name: "auc" }} value {{ double_value {{ value: 0.{place + 5} }} }}'
    rows = 'key { name: "example_count" } value { double_value { value: 9 } }'
    key = 'slice_key { single_slice_keys { column: "carrier" bytes_value: "UA" } }'
    text = f"{key} metric_keys_and_values {{ {value} }} metric_keys_and_values {{ {rows} }}"
    path = str(output / found["Evaluator.evaluation"] / "metrics-00000-of-00001.tfrecord")
    with tf.io.TFRecordWriter(path) as writer:
        writer.write(text_format.Parse(text, metrics_for_slice_pb2.MetricsForSlice()).SerializeToString())
    return found


def test_the_list_is_what_is_done_without_a_word(command: Command) -> None:
    code, lines, error = command()

    assert (code, error) == (0, "")
    assert [line.split()[:4] for line in lines[1:]] == [
        ["1", "2013-03-01", "12:00", "crops"],
        ["2", "2013-02-01", "12:00", "flights"],
        ["3", "2013-01-01", "12:00", "flights"],
    ]
    assert command("list")[1] == lines


def test_runs_of_one_problem_keep_their_numbers(command: Command) -> None:
    assert [line.split()[0] for line in command("list", "--problem", "flights")[1]] == ["run", "2", "3"]


def test_a_problem_without_runs_is_told_with_those_that_have_some(command: Command, tmp_path: Path) -> None:
    told = f"--problem fligths: no run of it in {tmp_path}. Problems: crops, flights\n"
    assert command("list", "--problem", "fligths") == (2, [], told)


def test_versions_on_disk_are_marked(command: Command, tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    version = publish(Release(tmp_path / "model", lay_nothing, {}), tmp_path / "pushed" / "flights", keep=5)
    path = str(tmp_path / "pushed" / "flights" / str(version))
    pushed = {"version": str(version), "path": path}
    write_record(RunRecord(IDS[1], "pushed", problem="flights", pushed=pushed), tmp_path / "runs" / IDS[1])

    assert f"{version}*" in command()[1][2]
    assert command("show", "2")[1][-3] == f"  version {version}, the current one"


@pytest.mark.parametrize("name", ["2", "latest", IDS[1], "201302"])
def test_a_run_is_shown_by_any_of_its_names(command: Command, name: str) -> None:
    code, lines, _ = command("show", name)

    assert code == 0
    assert lines[0].startswith("run 1, " if name == "latest" else f"run 2, {IDS[1]}, flights: finished")


def test_two_runs_are_compared_by_config_data_metrics_and_slices(command: Command) -> None:
    code, lines, error = command("diff", "3", "2")

    assert (code, error) == (0, "")
    assert lines[2:] == [
        *["", "config", "  problem.network.epochs  0 -> 1"],
        *["", "data", "  span 1 added: 5 rows"],
        *["", "metrics   run 3   run 2   change", "  auc    0.7000  0.7100  +0.0100"],
        *["", "auc by slice   run 3   run 2   change  n", "  carrier=UA  0.5000  0.6000  +0.1000  9"],
    ]


def test_an_evaluation_that_was_pruned_is_said(command: Command, tmp_path: Path) -> None:
    (tmp_path / "artifacts" / "Evaluator").rename(tmp_path / "artifacts" / "gone")

    assert command("diff", "3", "2")[1][-1] == (
        "  slices: the evaluation of run 3 and run 2 was pruned, or not recorded, or there was none"
    )


@pytest.mark.parametrize("text", ["{", "[]", '{"run_id": 1}'])
def test_one_broken_record_hides_no_other(command: Command, tmp_path: Path, text: str) -> None:
    (tmp_path / "runs" / IDS[1] / "run.json").write_text(text, encoding="utf-8")

    code, lines, _ = command()

    assert code == 0
    assert "unreadable" in lines[2]
    assert lines[-1].startswith(f"  run 2: {IDS[1]}/run.json: ")
    assert command("show", "2")[0] == command("diff", "1", "2")[0] == 0


def test_a_run_that_is_under_way_is_told_from_one_that_was_cut_off(command: Command, tmp_path: Path) -> None:
    for name in ("20130401T120000-000000", "20130501T120000-000000"):
        (tmp_path / "runs" / name).mkdir()

    assert [line.split()[3:5] for line in command()[1][1:3]] == [["cut", "off"], ["cut", "off"]]
    # By another process, as the lock is one of processes.
    holding = "import sys; from pathlib import Path; from pipeline.local.session import locked\n" + (
        "with locked(Path(sys.argv[1])):\n    print('held', flush=True)\n    sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", holding, str(tmp_path)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        assert [line.split()[3:5] for line in command()[1][1:3]] == [["under", "way"], ["cut", "off"]]
        assert command("prune", "--keep", "1")[0] == 2
        holder.communicate()
    assert not is_held(tmp_path)


def test_to_ask_who_holds_a_folder_makes_no_lock(tmp_path: Path) -> None:
    assert not is_held(tmp_path)
    assert not (tmp_path / ".lock").exists()
    with locked(tmp_path):
        assert is_held(tmp_path)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("show", "9"), "no run '9': expected a number from 1, the newest, to 3"),
        (("diff", "1", "2012"), "no run '2012'"),
        (("show", "2013"), "'2013' begins the ids of 3 runs"),
    ],
)
def test_a_run_that_is_not_there_is_named(command: Command, arguments: tuple[str, ...], told: str) -> None:
    code, lines, error = command(*arguments)

    assert (code, lines) == (2, [])
    assert error.startswith(told)


@pytest.mark.parametrize("action", [("list",), ("show", "1"), ("prune", "--keep", "1")])
def test_a_folder_that_is_not_there_is_named_and_not_made(
    action: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*action, "--output", str(tmp_path / "nope")]) == 2

    assert capsys.readouterr().err == f"--output {tmp_path}/nope: no such folder\n"
    assert not (tmp_path / "nope").exists()


def test_spans_that_are_not_readable_are_named(command: Command, tmp_path: Path) -> None:
    path = tmp_path / "artifacts" / "ExampleGen" / "examples" / "1" / SPANS_FILE
    path.write_text("{", encoding="utf-8")

    code, lines, error = command("diff", "3", "2")

    assert (code, lines) == (2, [])
    assert error.startswith(f"{path}: not readable as JSON: ")


def test_a_folder_without_runs_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty").mkdir()

    assert main(["--output", str(tmp_path / "empty")]) == 0
    assert capsys.readouterr().out == f"{tmp_path}/empty: no run\n"


def test_a_current_version_that_leads_nowhere_is_no_traceback(command: Command, tmp_path: Path) -> None:
    (tmp_path / "pushed" / "flights").mkdir(parents=True)
    (tmp_path / "pushed" / "flights" / CURRENT).symlink_to("latest")

    code, _, error = command()

    assert code == 2
    assert "expected a link to a version. Received: a link to 'latest'" in error


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["show"], "show: expected 1 run. Received: none"),
        (["diff", "1"], "diff: expected 2 runs. Received: ['1']"),
        (["list", "1"], "list: expected 0 runs. Received: ['1']"),
        (["prune"], "prune: expected --keep N, N being 1 or more. Received: None"),
        (["prune", "--keep", "0"], "prune: expected --keep N, N being 1 or more. Received: 0"),
        (["list", "--keep", "1"], "--keep and --dry-run go with prune alone"),
        (["prune", "--keep", "1", "--problem", "flights"], "--problem and --all go with list alone"),
        (["show", "1", "--problem", "flights"], "--problem and --all go with list alone"),
        (["diff", "1", "2", "--all"], "--problem and --all go with list alone"),
        (["forward"], "invalid choice: 'forward'"),
    ],
)
def test_bad_usage_is_said(arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(arguments)

    assert told in capsys.readouterr().err


def test_it_runs_as_a_module_and_a_reader_that_has_seen_enough_is_no_fault(tmp_path: Path) -> None:
    listed = f"{sys.executable} -m pipeline runs --output {tmp_path} | true; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", listed], cwd=ROOT, capture_output=True, text=True, check=False)

    assert (done.stdout, done.stderr) == ("0\n", "")
