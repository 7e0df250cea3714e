"""A run's hold on its output folder, and what is left of one that was interrupted."""

import json
import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.config.pipeline_config import load_config
from pipeline.local.session import is_held, locked, make_private, open_session, recorded_interruption
from pipeline.local.shutdown import Terminated
from schema.errors import InputError
from schema.lock_file import open_lock


@pytest.mark.parametrize("kind", [KeyboardInterrupt, Terminated])
def test_a_run_that_is_interrupted_before_its_first_node_leaves_its_record(
    tmp_path: Path, kind: type[KeyboardInterrupt]
) -> None:
    config = load_config("nyc_flights", output=str(tmp_path))
    with (
        pytest.raises(kind),
        open_session(tmp_path, verbose=False) as session,
        recorded_interruption(config, session, time.monotonic() - 3),
    ):
        raise kind
    record = json.loads((session.folder / "run.json").read_text(encoding="utf-8"))
    assert (record["run_id"], record["status"], record["problem"]) == (session.run_id, "interrupted", "nyc_flights")
    assert 3 <= record["seconds"] < 60


def test_a_record_that_is_there_stays(tmp_path: Path) -> None:
    config = load_config("nyc_flights", output=str(tmp_path))
    with open_session(tmp_path, verbose=False) as session:
        (session.folder / "run.json").write_text("{}", encoding="utf-8")
        with pytest.raises(KeyboardInterrupt), recorded_interruption(config, session, time.monotonic()):
            raise KeyboardInterrupt
        assert (session.folder / "run.json").read_text(encoding="utf-8") == "{}"


def test_a_lock_is_not_taken_through_a_link_and_what_it_leads_to_stays(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_text("text", encoding="utf-8")
    (tmp_path / "output").mkdir()
    (tmp_path / "output" / ".lock").symlink_to(precious)
    with pytest.raises(InputError, match=r"\.lock is a symbolic link"), locked(tmp_path / "output"):
        pass
    assert precious.read_text(encoding="utf-8") == "text"
    assert not is_held(tmp_path / "output")


def test_a_link_that_leads_to_nothing_makes_nothing(tmp_path: Path) -> None:
    (tmp_path / ".lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InputError, match=r"\.lock is a symbolic link"), locked(tmp_path):
        pass
    assert not (tmp_path / "elsewhere").exists()


def test_a_lock_keeps_what_it_holds_and_is_one(tmp_path: Path) -> None:
    (tmp_path / ".lock").write_text("of another program", encoding="utf-8")
    with locked(tmp_path):
        with pytest.raises(InputError, match="another run is using it"), locked(tmp_path):
            pass
        assert is_held(tmp_path)
    assert not is_held(tmp_path)
    assert (tmp_path / ".lock").read_text(encoding="utf-8") == "of another program"


def test_a_pipe_in_the_locks_place_does_not_hold_up_who_asks(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / ".lock")
    assert not is_held(tmp_path)
    open_lock(tmp_path / ".lock").close()


@pytest.fixture
def open_umask() -> Iterator[None]:
    """As of a user who lets everybody read."""
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.mark.usefixtures("open_umask")
def test_metadata_and_cache_are_for_this_user_alone_unless_somebody_opened_them(tmp_path: Path) -> None:
    config = load_config("nyc_flights", output=str(tmp_path))
    make_private(config)
    kept = {"cache": 0o700, "metadata.sqlite": 0o600}
    assert {name: stat.S_IMODE((tmp_path / name).stat().st_mode) for name in kept} == kept
    (tmp_path / "cache").chmod(0o750)
    (tmp_path / "metadata.sqlite").write_bytes(b"content")
    make_private(config)
    assert stat.S_IMODE((tmp_path / "cache").stat().st_mode) == 0o750
    assert (tmp_path / "metadata.sqlite").read_bytes() == b"content"
