"""Whatever is not as it was written is found."""

import logging
from pathlib import Path

import pytest

from schema.checked_file import find_checked, read_checked, write_checked
from schema.errors import DamagedFileError


@pytest.mark.parametrize("content", [b"", b"\0", bytes(range(256)) * 300])
def test_what_was_written_is_read(tmp_path: Path, content: bytes) -> None:
    path = write_checked(tmp_path / "cache" / "new" / "file", content)
    assert read_checked(path) == find_checked(path) == content
    assert list(path.parent.iterdir()) == [path]


def test_any_one_flipped_bit_is_found(tmp_path: Path) -> None:
    path = write_checked(tmp_path / "file", b"some bytes")
    stored = path.read_bytes()
    for bit in range(8 * len(stored)):
        flipped = bytearray(stored)
        flipped[bit // 8] ^= 1 << bit % 8
        path.write_bytes(flipped)
        with pytest.raises(DamagedFileError, match=str(path)):
            read_checked(path)


@pytest.mark.parametrize("length", [0, 1, 8, 39, 40, 44])
def test_a_file_that_was_cut_is_found(tmp_path: Path, length: int) -> None:
    path = write_checked(tmp_path / "file", b"12345")
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(DamagedFileError, match="damaged"):
        read_checked(path)


def test_a_cache_has_no_damaged_file_and_says_so_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = write_checked(tmp_path / "file", b"12345")
    path.write_bytes(path.read_bytes() + b"6")
    with caplog.at_level(logging.WARNING):
        assert find_checked(path) is None
        assert find_checked(path) is None
    assert [record.getMessage() for record in caplog.records] == [
        f"{path}: damaged: its content of 6 bytes does not have its checksum; it is made anew"
    ]
    assert not path.exists()


def test_what_is_not_there_is_not_damaged(tmp_path: Path) -> None:
    assert find_checked(tmp_path / "file") is None
    with pytest.raises(FileNotFoundError):
        read_checked(tmp_path / "file")
