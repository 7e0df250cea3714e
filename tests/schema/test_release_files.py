"""A version with anything changed in it is refused, whatever and wherever that is."""

import json
from pathlib import Path

import pytest

from schema.errors import DamagedFileError
from schema.release_files import MANIFEST, check_release, release_faults, sealed
from tests.damage import flip_bit

FILES = {"saved_model.pb": b"graph", "variables/variables.index": b"index", "device/int8.tflite": b"\0" * 999}


@pytest.fixture
def version(tmp_path: Path) -> Path:
    """A version's folder."""
    for name, content in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    manifest = {"version": 7, "metrics": {"auc": 0.7, "undefined": float("nan")}, "rows": {1: 2, 10: 3, 9: 4}}
    (tmp_path / MANIFEST).write_text(sealed(manifest, tmp_path), encoding="utf-8")
    return tmp_path


def test_a_version_as_it_was_written_is_whole(version: Path) -> None:
    check_release(version)
    assert list(release_faults(version)) == []
    # What holds is its values, not how they are laid out.
    (version / MANIFEST).write_text(json.dumps(json.loads((version / MANIFEST).read_text())), encoding="utf-8")
    check_release(version)


@pytest.mark.parametrize("place", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("name", FILES)
def test_a_flipped_bit_in_a_file_is_named(version: Path, name: str, place: float) -> None:
    flip_bit(version / name, place)
    with pytest.raises(DamagedFileError, match=f"{version}: damaged: {name}: changed"):
        check_release(version)


def test_a_flipped_bit_anywhere_in_the_manifest_is_found_or_changes_nothing_it_says(version: Path) -> None:
    before, content = (version / MANIFEST).read_bytes(), json.loads((version / MANIFEST).read_bytes())
    for at in range(len(before)):
        (version / MANIFEST).write_bytes(before[:at] + bytes([before[at] ^ 1]) + before[at + 1 :])
        if not list(release_faults(version)):
            assert repr(json.loads((version / MANIFEST).read_bytes())) == repr(content)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b'{"files": 3}', b'{"files": {}, "sizes": [1]}', b"\xff"])
def test_a_manifest_that_is_none_is_said(version: Path, content: bytes) -> None:
    (version / MANIFEST).write_bytes(content)
    [fault] = release_faults(version)
    assert fault.startswith(f"{MANIFEST}: not readable")
    (version / MANIFEST).unlink()
    assert list(release_faults(version)) == [f"{MANIFEST}: No such file or directory"]


def test_sizes_alone_find_what_was_cut_and_not_what_was_changed(version: Path) -> None:
    flip_bit(version / "saved_model.pb")
    (version / "device" / "int8.tflite").write_bytes(b"\0" * 998)
    assert list(release_faults(version, contents=False)) == ["device/int8.tflite: 998 bytes, not 999"]
    assert len(list(release_faults(version))) == 2


def test_a_version_of_before_is_held_to_its_hashes(version: Path) -> None:
    manifest = json.loads((version / MANIFEST).read_bytes())
    (version / MANIFEST).write_text(json.dumps({"files": manifest["files"], "version": 7}), encoding="utf-8")
    check_release(version)
    flip_bit(version / "saved_model.pb")
    assert list(release_faults(version)) == ["saved_model.pb: changed"]
