"""The release command: what it lists, how it goes back and forward, and what it says when it cannot."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from components.release.release_store import CURRENT, MANIFEST, Release, Stamp, current, publish
from pipeline.commands.release import main
from pipeline.local.session import locked
from tests.damage import flip_bit

ROOT = Path(__file__).resolve().parents[3]
UNREACHED = "not followed by a server that takes the highest number (TF Serving's default), nor by later runs' baseline"
PROBLEM = """
name: crops
title: Which crop?
task: regression
label: tons
data: {path: data}
features: {rain: {encoding: quantiles}}
"""


def lay_nothing(_: Path, __: Stamp) -> None:
    """Leaves the version without device files."""


@pytest.fixture
def pushed(tmp_path: Path) -> Path:
    """Where the released versions of nyc_flights lie."""
    (tmp_path / "output").mkdir()
    return tmp_path / "output" / "pushed" / "nyc_flights"


@pytest.fixture
def push(tmp_path: Path, pushed: Path) -> Callable[..., int]:
    """push(window=..., accepted=[...]): publishes a version and returns it."""
    server = tmp_path / "model"
    server.mkdir()
    (server / "saved_model.pb").write_bytes(b"graph")

    def run(window: str = ":", accepted: tuple[bool, ...] = (True, False)) -> int:
        manifest = {"lineage": {"window": window}, "variants": [{"accepted": each} for each in accepted]}
        return publish(Release(server, lay_nothing, manifest), pushed, keep=5)

    return run


@pytest.fixture
def command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, list[str], str]]:
    """command("list", ...): exit code, lines on standard output and the text on standard error."""

    def run(*arguments: str) -> tuple[int, list[str], str]:
        code = main([*arguments, "--output", str(tmp_path / "output")])
        written = capsys.readouterr()
        return code, written.out.splitlines(), written.err

    return run


Command = Callable[..., tuple[int, list[str], str]]
Push = Callable[..., int]


def created(pushed: Path, version: int, moment: str) -> None:
    """Sets a version's time of creation."""
    path = pushed / str(version) / MANIFEST
    manifest = {**json.loads(path.read_text(encoding="utf-8")), "created": moment}
    # Both hold for the manifest as it was pushed.
    del manifest["checksum"], manifest["sizes"]
    path.write_text(json.dumps(manifest), encoding="utf-8")


def test_versions_are_listed_newest_first_with_the_current_one_marked(
    command: Command, push: Push, pushed: Path
) -> None:
    first, second = push("1:9", (True, True, False)), push(":", (True,))
    created(pushed, first, "2013-10-01T06:05:59+00:00")
    created(pushed, second, "2013-11-01T18:30:00+00:00")

    assert command("list") == (
        0,
        [
            f"* {second}  2013-11-01 18:30 UTC  all spans  1 device variant",
            f"  {first}  2013-10-01 06:05 UTC  spans 1:9  2 device variants",
        ],
        "",
    )


def test_rollback_goes_back_one_version_and_the_list_shows_it(command: Command, push: Push, pushed: Path) -> None:
    first, second = push(), push()

    assert command("rollback") == (0, [f"current is now version {first}", UNREACHED], "")
    assert current(pushed) == first
    newest, older = command("list")[1]
    assert newest.startswith(f"  {second}  ")
    assert older.startswith(f"* {first}  ")


def test_use_goes_forward_again_after_a_rollback(command: Command, push: Push, pushed: Path) -> None:
    _, second = push(), push()
    command("rollback")

    assert command("use", str(second)) == (0, [f"current is now version {second}", UNREACHED], "")
    assert current(pushed) == second
    assert command("list")[1][0].startswith(f"* {second}  ")


def test_use_takes_its_version_behind_the_flags_too(
    push: Push, pushed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, _ = push(), push()

    assert main(["use", "--output", str(tmp_path / "output"), str(first)]) == 0
    assert current(pushed) == first
    assert capsys.readouterr().err == ""


def test_use_of_an_unknown_version_names_those_there_are(command: Command, push: Push, pushed: Path) -> None:
    only = push()

    code, lines, error = command("use", "7")

    assert (code, lines) == (2, [])
    assert error == f"{pushed}: no version 7 to use. Versions: [{only}].\n"
    assert current(pushed) == only


def test_use_of_a_problem_without_a_release_says_so(command: Command, pushed: Path) -> None:
    code, lines, error = command("use", "7")

    assert (code, lines) == (2, [])
    assert error == f"{pushed}: no version has been released, so there is none to use\n"


@pytest.mark.parametrize("action", ["rollback", "use"])
def test_current_is_not_moved_while_a_run_holds_the_folder(
    command: Command, push: Push, pushed: Path, tmp_path: Path, action: str
) -> None:
    first, second = push(), push()

    with locked(tmp_path / "output"):
        code, lines, error = command(action, *([str(first)] if action == "use" else []))

    assert (code, lines) == (2, [])
    assert "another run is using it" in error
    assert current(pushed) == second


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["use"], "use: expected a version, as list shows it. Received: none"),
        (["use", "newest"], "argument version: invalid int value: 'newest'"),
        (["list", "7"], "list: expected no version. Received: 7"),
        (["rollback", "0"], "rollback: expected no version. Received: 0"),
    ],
)
def test_a_version_goes_with_use_alone(capsys: pytest.CaptureFixture[str], arguments: list[str], told: str) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(arguments)

    assert told in capsys.readouterr().err


def test_rollback_with_no_earlier_version_says_so(command: Command, push: Push, pushed: Path) -> None:
    only = push()

    code, lines, error = command("rollback")

    assert (code, lines) == (2, [])
    assert error == f"{pushed}: no version before {only} to go back to. Versions: [{only}].\n"


def test_a_problem_without_a_release_has_an_empty_list(command: Command, pushed: Path) -> None:
    assert command("list") == (0, [f"{pushed}: no version has been released"], "")


def test_rollback_of_a_problem_without_a_release_says_so(command: Command, pushed: Path) -> None:
    code, lines, error = command("rollback")

    assert (code, lines) == (2, [])
    assert error == f"{pushed}: no version has been released, so there is none to go back to\n"


@pytest.mark.parametrize("action", ["list", "rollback"])
def test_an_unknown_problem_is_named_with_those_there_are(command: Command, push: Push, action: str) -> None:
    push()

    code, lines, error = command(action, "--problem", "nyc_fligths")

    assert (code, lines) == (2, [])
    assert error.startswith("--problem: no problem.yaml in schema/nyc_fligths or nyc_fligths. Known problems: ")
    assert "nyc_flights" in error


def test_a_problem_may_be_the_path_of_its_folder(command: Command, tmp_path: Path) -> None:
    (tmp_path / "output").mkdir()
    folder = tmp_path / "elsewhere" / "crops"
    folder.mkdir(parents=True)
    (folder / "problem.yaml").write_text(PROBLEM, encoding="utf-8")

    assert command("list", "--problem", str(folder)) == (
        0,
        [f"{tmp_path}/output/pushed/crops: no version has been released"],
        "",
    )


def test_the_releases_of_a_problem_outlive_its_folder(command: Command, push: Push, pushed: Path) -> None:
    version = push()
    pushed.rename(pushed.with_name("retired"))

    code, lines, _ = command("list", "--problem", "retired")

    assert code == 0
    assert lines[0].startswith(f"* {version}  ")


@pytest.mark.parametrize(
    ("manifest", "told"),
    [
        ("{", "manifest.json is not readable: Expecting property name"),
        ("", "manifest.json is not readable: Expecting value"),
        ("[]", "manifest.json is not readable: list indices"),
        ('{"lineage": {}}', "manifest.json lacks 'created'"),
        ('{"created": "yesterday"}', "manifest.json is not readable: Invalid isoformat string: 'yesterday'"),
    ],
)
def test_a_broken_manifest_is_said_of_its_version_alone(
    command: Command, push: Push, pushed: Path, manifest: str, told: str
) -> None:
    first, second = push(), push()
    (pushed / str(first) / MANIFEST).write_text(manifest, encoding="utf-8")

    code, lines, _ = command("list")

    assert code == 0
    assert lines[0].startswith(f"* {second}  ")
    assert "device variant" in lines[0]
    assert lines[1].startswith(f"  {first}  {told}")


@pytest.mark.parametrize("action", ["rollback", "use"])
def test_current_is_not_moved_to_a_damaged_version(command: Command, push: Push, pushed: Path, action: str) -> None:
    whole, damaged, last = push(), push(), push()
    flip_bit(pushed / str(damaged) / "saved_model.pb")

    code, lines, error = command(*([action] if action == "rollback" else [action, str(damaged)]))

    assert (code, lines) == (2, [])
    assert error == (
        f"{pushed / str(damaged)}: damaged: saved_model.pb: changed. current stays where it is; "
        f"use another version, of [{whole}, {last}]\n"
    )
    assert current(pushed) == last
    assert command("use", str(whole))[0] == 0


def test_verify_is_of_the_current_version_of_one_or_of_all(command: Command, push: Push, pushed: Path) -> None:
    first, second = push(), push()
    flip_bit(pushed / str(first) / "saved_model.pb")

    assert command("verify") == (0, [f"{second}  whole, 2 files"], "")
    told = [f"{first}  damaged, 1 of its files", "  saved_model.pb: changed"]
    assert command("verify", str(first)) == (2, told, "")
    assert command("verify", "--all") == (2, [f"{second}  whole, 2 files", *told], "")


def test_verify_names_what_is_missing_and_what_is_too_much(command: Command, push: Push, pushed: Path) -> None:
    version = pushed / str(push())
    (version / "saved_model.pb").rename(version / "saved_model.old")

    code, lines, _ = command("verify")

    assert code == 2
    assert lines[1:] == ["  saved_model.pb: missing", "  saved_model.old: not in the manifest"]


def test_the_list_marks_a_version_with_a_file_of_another_size(command: Command, push: Push, pushed: Path) -> None:
    first, _ = push(), push()
    (pushed / str(first) / "saved_model.pb").write_bytes(b"grap")

    lines = command("list")[1]

    assert ["damaged: see verify" in line for line in lines] == [False, True]
    assert command("verify", str(first))[1][1] == "  saved_model.pb: 4 bytes, not 5"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [(["7"], "no version 7 to verify"), ([], "no current to verify"), (["--all"], "")],
)
def test_verify_of_what_is_not_there_says_so(command: Command, pushed: Path, arguments: list[str], told: str) -> None:
    pushed.mkdir(parents=True)
    code, lines, error = command("verify", *arguments)
    assert (code, told in error) == (2 if told else 0, True)
    assert lines == ([] if told else [f"{pushed}: no version has been released"])


def test_a_current_version_that_is_gone_is_said(command: Command, push: Push, pushed: Path) -> None:
    first, second = push(), push()
    (pushed / str(second)).rename(pushed / "away")

    code, lines, _ = command("list")

    assert code == 0
    assert lines[0].startswith(f"  {first}  ")
    assert lines[1] == f"current points at version {second}, which is not there"


def test_a_link_that_leads_nowhere_is_no_traceback(command: Command, push: Push, pushed: Path) -> None:
    push()
    (pushed / CURRENT).unlink()
    (pushed / CURRENT).symlink_to("latest")

    code, _, error = command("list")

    assert code == 2
    assert error == f"{pushed}/current: expected a link to a version. Received: a link to 'latest'.\n"


def test_what_cannot_be_written_is_no_traceback(command: Command, push: Push, pushed: Path) -> None:
    push()
    push()
    # A folder in the way of the new link, which binds the root user too.
    (pushed / f".{CURRENT}.partial").mkdir()

    code, lines, error = command("rollback")

    assert (code, lines) == (2, [])
    assert error.startswith(f"{pushed}/.current.partial: ")


def test_it_runs_as_a_module_and_its_exit_code_is_the_command_s(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pipeline", "release", "rollback", "--output", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 2
    assert (
        done.stderr == f"{tmp_path}/pushed/nyc_flights: no version has been released, so there is none to go back to\n"
    )


def test_a_flag_is_not_guessed_from_its_beginning(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["list", "--out", "x"])

    assert "unrecognized arguments: --out x" in capsys.readouterr().err


def test_an_unknown_action_is_bad_usage(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["forward"])

    assert "invalid choice: 'forward' (choose from 'list', 'verify', 'rollback', 'use')" in capsys.readouterr().err
