"""The order of the system's calls: content before name, name before anything else."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from schema import durable

Calls = list[tuple[str, str]]


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Calls:
    """(call, name) of each sync and rename, in order; names as they lie below the test's folder."""
    found: Calls = []

    def seen(name: str, what: Callable[..., Any], path_of: Callable[[Any], str]) -> None:
        def call(first: Any, *others: Any) -> Any:
            found.append((name, os.path.relpath(path_of(first), tmp_path)))
            result = what(first, *others)
            if name == "rename":
                found[-1] = ("rename", os.path.relpath(others[0], tmp_path))
            return result

        monkeypatch.setattr(os, name if name != "rename" else what.__name__, call)

    seen("fsync", os.fsync, lambda handle: str(Path(f"/proc/self/fd/{handle}").readlink()))
    for rename in (os.replace, os.rename):
        seen("rename", rename, str)
    return found


def test_a_file_is_written_out_before_it_has_its_name_and_the_name_after(calls: Calls, tmp_path: Path) -> None:
    durable.write_file(tmp_path / "file", "ö")
    (first, temporary), *others = calls
    assert first == "fsync"
    assert temporary.startswith(".file.")
    assert others == [("rename", "file"), ("fsync", ".")]
    assert (tmp_path / "file").read_bytes() == "ö".encode()
    assert list(tmp_path.iterdir()) == [tmp_path / "file"]


def test_every_file_and_folder_of_a_folder_is_written_out_before_the_folder_has_its_name(
    calls: Calls, tmp_path: Path
) -> None:
    (tmp_path / "new" / "below").mkdir(parents=True)
    for name in ("new/model", "new/below/weights"):
        (tmp_path / name).write_bytes(b"1")
    durable.put_folder(tmp_path / "new", tmp_path / "17")
    assert sorted(calls[:2]) == [("fsync", "new/below/weights"), ("fsync", "new/model")]
    assert sorted(calls[2:4]) == [("fsync", "new"), ("fsync", "new/below")]
    assert calls[4:] == [("rename", "17"), ("fsync", ".")]


def test_a_link_is_replaced_in_one_step_and_its_name_written_out(calls: Calls, tmp_path: Path) -> None:
    (tmp_path / "current").symlink_to("1")
    durable.put_link("2", tmp_path / "current")
    assert calls == [("rename", "current"), ("fsync", ".")]
    assert (tmp_path / "current").readlink() == Path("2")


def test_the_names_of_new_folders_are_written_out(calls: Calls, tmp_path: Path) -> None:
    durable.make_folder(tmp_path / "a" / "b")
    assert calls == [("fsync", "."), ("fsync", "a")]
    durable.make_folder(tmp_path / "a" / "b")
    assert len(calls) == 2


def test_what_is_cut_short_leaves_what_was_there_and_nothing_beside_it(tmp_path: Path) -> None:
    path = durable.write_file(tmp_path / "file", b"before")

    def cut_short() -> None:
        with durable.new_file(path) as temporary:
            temporary.write_bytes(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cut_short()
    assert path.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_system_that_syncs_no_folders_is_taken_as_it_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def refuse(_: int) -> None:
        raise OSError(22, "Invalid argument")

    monkeypatch.setattr(os, "fsync", refuse)
    assert durable.write_file(tmp_path / "file", b"1").read_bytes() == b"1"


def test_a_disk_that_fails_is_not_silent(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def fail(_: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="Input/output"):
        durable.write_file(tmp_path / "file", b"1")
    assert not (tmp_path / "file").exists()
