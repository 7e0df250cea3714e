"""The page of a run that left little: it says what is not there, and why."""

import json
import re
from pathlib import Path

import pytest

from reports.__main__ import main
from reports.page.report import HTML, JSON, SECTIONS, page
from reports.runs.run import read_run
from tests.reports.runs.test_run import write

FAILED = "rows.csv:3: expected 7 columns. Received: <6>"
NODES = [{"id": "ExampleGen", "status": "failed", "seconds": 1.0, "peak_mb": None, "upstream": [], "why": "first run"}]


def test_a_run_that_failed_says_so_first_and_why_there_is_no_more(tmp_path: Path) -> None:
    html = page(read_run(write(tmp_path, "20260101T000000-1", "failed", error=FAILED, reasons=[FAILED], nodes=NODES)))

    assert html.index("✗ Failed") < html.index("Received: &lt;6&gt;") < html.index("<nav")
    assert "Evaluator did not finish in it" in html
    assert "first run" in html
    assert len(re.findall(r"<h2>", html)) == len(SECTIONS)


def test_the_page_asks_nothing_of_a_network(tmp_path: Path) -> None:
    html = page(read_run(write(tmp_path, "20260101T000000-1", nodes=NODES)))

    assert "default-src &#39;none&#39;" in html or "default-src 'none'" in html
    assert re.findall(r"""(?:src|href)=["'](?!data:|#)""", html) == []


def test_the_command_writes_both_files_beside_the_record(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write(tmp_path, "20260101T000000-1", nodes=NODES)

    assert main([str(tmp_path)]) == 0
    assert capsys.readouterr().out == f"{folder / HTML}\n"
    data = json.loads((folder / JSON).read_text(encoding="utf-8"))
    assert data["run"]["run_id"] == folder.name
    assert data["evaluation"] is None
    assert sorted(path.name for path in folder.iterdir()) == ["report.html", "report.json", "run.json"]


def test_the_output_is_named_by_place_or_by_flag_and_not_twice(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write(tmp_path, "20260101T000000-1")

    assert main(["--output", str(tmp_path)]) == 0
    assert capsys.readouterr().out == f"{folder / HTML}\n"
    with pytest.raises(SystemExit, match="2"):
        main([str(tmp_path), "--output", "elsewhere"])
    assert f"the output folder is named twice: {tmp_path} and --output elsewhere" in capsys.readouterr().err


def test_the_command_writes_elsewhere_if_asked(tmp_path: Path) -> None:
    write(tmp_path, "20260101T000000-1")

    assert main([str(tmp_path), "--run", "20260101", "--to", str(tmp_path / "x" / "y")]) == 0
    assert (tmp_path / "x" / "y" / HTML).is_file()


def test_the_newest_run_that_has_ended_is_taken_if_none_is_named(tmp_path: Path) -> None:
    ended = write(tmp_path, "20260101T000000-1")
    (tmp_path / "runs" / "20260102T000000-1").mkdir()

    assert main([str(tmp_path)]) == 0
    assert (ended / HTML).is_file()


def test_a_run_that_was_cut_off_has_no_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, "20260101T000000-1")
    (tmp_path / "runs" / "20260102T000000-1").mkdir()

    assert main([str(tmp_path), "--run", "20260102"]) == 2
    assert "20260102T000000-1/run.json: No such file" in capsys.readouterr().err


def test_a_folder_without_runs_is_an_answer_and_no_trace(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path)]) == 2
    assert "make run" in capsys.readouterr().err
