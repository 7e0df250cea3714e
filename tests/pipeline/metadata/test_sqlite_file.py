"""A metadata store that a disk spoiled is said in a sentence, at once, with a command that works."""

import shutil
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from pipeline.config.metadata import METADATA_FILE
from pipeline.config.pipeline_config import load_config
from pipeline.local.preflight import check_metadata
from pipeline.local.runner import LocalRunner, compile_graph
from pipeline.metadata.sqlite_file import check_file
from schema.errors import DamagedFileError
from tests.crops import PROBLEMS
from tests.pipeline.release_graph import unheard
from tests.pipeline.small_graph import Source, pipeline

DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "half": lambda content: content[: len(content) // 2],
    "garbage": lambda content: b"no database" * (len(content) // 11),
    "header": lambda content: content[:20] + bytes(80) + content[100:],
    "page": lambda content: content[:8192] + b"\xff" * 4096 + content[12288:],
    "empty": lambda _: b"",
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The output folder of a small graph's run."""
    folder = tmp_path_factory.mktemp("whole")
    run(folder, "first")
    return folder


def run(folder: Path, run_id: str) -> None:
    LocalRunner(compile_graph(pipeline(folder, [Source(text="rows")])), run_id).run(unheard)


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_store_is_named_before_anything_opens_it(
    whole: Path, tmp_path: Path, damage: Callable[[bytes], bytes]
) -> None:
    output = Path(shutil.copytree(whole, tmp_path / "out put"))
    content = damage((output / METADATA_FILE).read_bytes())
    (output / METADATA_FILE).write_bytes(content)

    with pytest.raises(DamagedFileError, match=r"out put/metadata\.sqlite: damaged: ") as said:
        check_metadata(load_config(str(PROBLEMS / "crops"), output=str(output)), log_in=False)

    assert "Released versions and the cache are safe" in str(said.value)
    # The last line of what is said, as a person would paste it.
    subprocess.run(str(said.value).splitlines()[-1], shell=True, check=True)  # noqa: S602
    assert (output / "damaged" / METADATA_FILE).read_bytes() == content
    assert {path.name for path in output.iterdir()} == {"damaged"}


def test_after_the_command_the_graph_runs_anew_and_a_second_time(whole: Path, tmp_path: Path) -> None:
    output = Path(shutil.copytree(whole, tmp_path / "output"))
    for attempt in ("damaged", "damaged-1"):
        (output / METADATA_FILE).write_bytes(b"no database")
        with pytest.raises(DamagedFileError) as said:
            check_file(output / METADATA_FILE)
        subprocess.run(str(said.value).splitlines()[-1], shell=True, check=True)  # noqa: S602
        run(output, attempt)
        check_file(output / METADATA_FILE)
        assert (output / attempt / "artifacts" / "Source").is_dir()
    assert (output / "artifacts" / "Source" / "examples" / "1" / "content").read_text(encoding="utf-8") == "rows"


def test_a_whole_store_and_none_are_in_order(whole: Path, tmp_path: Path) -> None:
    check_file(whole / METADATA_FILE)
    check_file(tmp_path / METADATA_FILE)
    assert list(tmp_path.iterdir()) == []


def test_a_store_that_another_process_holds_is_not_called_damaged(whole: Path) -> None:
    with closing(sqlite3.connect(whole / METADATA_FILE, isolation_level=None, timeout=0)) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        check_file(whole / METADATA_FILE)
        assert connection.in_transaction
        connection.execute("ROLLBACK")
