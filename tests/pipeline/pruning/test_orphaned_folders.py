"""Folders that belong to nothing, and what is really freed with them."""

import os
from pathlib import Path

from pipeline.pruning.orphaned_folders import freed_bytes, remove, unknown_folders


def test_what_stays_and_what_is_not_numbered_is_left(tmp_path: Path) -> None:
    for name in (
        *["Trainer/model/7", "Trainer/model/8", "Trainer/model_run/7", "Trainer/model/notes", "Trainer/model/٣"],
        *["Trainer/.system/executor_execution/7", "Trainer/.system/executor_execution/8"],
        *["Trainer/.system/stateful_working_dir/8", "Trainer/.system/driver_execution/1795549067625080"],
        "Trainer/.system/stateful_working_dir/9f8c5a1e-0d4b-4a57-9d53-1f0c8f6a2b7d",
    ):
        (tmp_path / name).mkdir(parents=True)

    found = unknown_folders(tmp_path, {"Trainer/model/7", "Evaluator/model/8"}, {7})

    assert [path.relative_to(tmp_path).as_posix() for path in found] == [
        "Trainer/model/8",
        "Trainer/model_run/7",
        "Trainer/.system/executor_execution/8",
        "Trainer/.system/driver_execution/1795549067625080",
        "Trainer/.system/stateful_working_dir/9f8c5a1e-0d4b-4a57-9d53-1f0c8f6a2b7d",
    ]


def test_a_folder_that_is_not_there_has_nothing_unknown(tmp_path: Path) -> None:
    assert list(unknown_folders(tmp_path / "artifacts", set(), set())) == []


def test_a_file_counts_once_and_only_when_its_last_name_goes(tmp_path: Path) -> None:
    for name in ("one", "other", "stays"):
        (tmp_path / name).mkdir()
    (tmp_path / "one" / "alone").write_bytes(b"12345")
    (tmp_path / "one" / "both").write_bytes(b"1234567")
    os.link(tmp_path / "one" / "both", tmp_path / "other" / "both")
    (tmp_path / "one" / "kept").write_bytes(b"123456789")
    os.link(tmp_path / "one" / "kept", tmp_path / "stays" / "kept")

    assert freed_bytes([tmp_path / "one"]) == 5
    assert freed_bytes([tmp_path / "one", tmp_path / "other"]) == 12
    assert freed_bytes([tmp_path / name for name in ("one", "other", "stays")]) == 21
    assert freed_bytes([]) == 0


def test_a_link_is_removed_and_not_what_it_leads_to(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "file").write_bytes(b"12345")
    (tmp_path / "7").symlink_to(tmp_path / "there")

    assert freed_bytes([tmp_path / "7"]) < len(str(tmp_path)) + 10
    remove(tmp_path / "7")

    assert (tmp_path / "there" / "file").exists()
    remove(tmp_path / "there")
    assert list(tmp_path.iterdir()) == []
