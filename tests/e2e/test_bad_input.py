"""Bad input ends in a sentence with file and line or key, with exit code 2 or 3, and costs nobody a released model."""

import fcntl
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

import run_local
from tests.crops import HEADER
from tests.e2e.conftest import crops_flags
from tests.e2e.running import Run

NAMES = HEADER.split(",")


@dataclass(frozen=True)
class Ended:
    """How a run ended: its exit code and all that it printed."""

    code: int
    text: str


@pytest.fixture
def data(crops_data: Path, tmp_path: Path) -> Path:
    """A copy of the table to spoil: one span."""
    folder = tmp_path / "data"
    folder.mkdir()
    shutil.copy(crops_data / "year-2019.csv", folder)
    return folder


@pytest.fixture
def run(crops: Run, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Ended]:
    """Runs in this process, into the output folder of a run that has released a version."""
    monkeypatch.setattr("sys.argv", ["run_local.py"])

    def start(data: Path, *flags: str, output: Path = crops.output) -> Ended:
        try:
            code = run_local.main(["--output", str(output), *crops_flags(data), *flags])
        except SystemExit as usage:
            code = int(str(usage.code))
        return Ended(code, "".join(capfd.readouterr()))

    return start


@pytest.fixture(autouse=True)
def _released_versions_stay(crops: Run) -> object:
    pushed = crops.output / "pushed" / "crops"
    before = {path.name: path.stat().st_ino for path in pushed.iterdir()}
    yield
    assert {path.name: path.stat().st_ino for path in pushed.iterdir()} == before


def spoil(data: Path, line: int, column: str, cell: str) -> None:
    """Puts another cell into a line of the file, counted from 1 with the header."""
    path = data / "year-2019.csv"
    lines = path.read_text(encoding="utf-8").splitlines()
    cells = lines[line - 1].split(",")
    cells[NAMES.index(column)] = cell
    lines[line - 1] = ",".join(cells)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def spoil_all(data: Path, column: str, cell: Callable[[int], str]) -> None:
    """Puts another cell into every row; `cell` gets the row's number, from 0."""
    path = data / "year-2019.csv"
    head, *rows = path.read_text(encoding="utf-8").splitlines()
    cells = [row.split(",") for row in rows]
    for number, row in enumerate(cells):
        row[NAMES.index(column)] = cell(number) or row[NAMES.index(column)]
    path.write_text("\n".join([head, *(",".join(row) for row in cells)]) + "\n", encoding="utf-8")


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (",soil", "", "year-2019.csv:1: column 'soil' of the schema is missing"),
        (",crop,", ",crop,colour,", "year-2019.csv:1: column 'colour' is not in the schema"),
        (",ph,", ",pH,", "year-2019.csv:1: column 'pH' is not in the schema. Did you mean 'ph'?"),
    ],
)
def test_another_header_is_named(run: Callable[..., Ended], data: Path, old: str, new: str, told: str) -> None:
    path = data / "year-2019.csv"
    path.write_text(path.read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")
    ended = run(data)
    assert ended.code == 2
    assert told in ended.text


@pytest.mark.parametrize(
    ("column", "cell", "told"),
    [
        ("ph", "acid", "year-2019.csv:7: column 'ph': expected a number. Received: 'acid'"),
        ("sowing_week", "8.5", "year-2019.csv:7: column 'sowing_week': expected an integer. Received: '8.5'"),
        ("soil", "clay,loam", "year-2019.csv:7: expected 7 cells, as in the header. Received: 8"),
    ],
)
def test_a_row_that_does_not_fit_is_named(
    run: Callable[..., Ended], data: Path, column: str, cell: str, told: str
) -> None:
    spoil(data, 7, column, cell)
    ended = run(data)
    assert ended.code == 2
    assert told in ended.text
    assert "ExampleGen failed" in ended.text
    assert "run.log" in ended.text


def test_another_encoding_is_named(run: Callable[..., Ended], data: Path) -> None:
    path = data / "year-2019.csv"
    lines = path.read_bytes().split(b"\n")
    lines[8] = lines[8].replace(b"loam", b"l\xf6ss").replace(b"clay", b"l\xf6ss").replace(b"sand", b"l\xf6ss")
    path.write_bytes(b"\n".join(lines))
    ended = run(data)
    assert ended.code == 2
    assert "year-2019.csv:9: not UTF-8: byte 0xf6" in ended.text


@pytest.mark.parametrize(
    ("content", "told"), [("", "year-2019.csv: empty file"), (HEADER + "\n", "year-2019.csv:1: a header and no rows")]
)
def test_a_file_without_rows_is_named(run: Callable[..., Ended], data: Path, content: str, told: str) -> None:
    (data / "year-2019.csv").write_text(content, encoding="utf-8")
    ended = run(data)
    assert ended.code == 2
    assert told in ended.text


def test_no_data_is_named(run: Callable[..., Ended], tmp_path: Path) -> None:
    assert run(tmp_path / "nowhere").code == 2
    (tmp_path / "bare").mkdir()
    ended = run(tmp_path / "bare")
    assert ended.code == 2
    assert "no file fits data.pattern 'year-{SPAN:4}.csv'" in ended.text


def test_a_window_without_data_is_named(run: Callable[..., Ended], data: Path) -> None:
    ended = run(data, "--span-window", "2030:")
    assert ended.code == 2
    assert "no data in spans 2030:" in ended.text
    assert "2019" in ended.text


def test_an_unknown_category_stops_the_run(run: Callable[..., Ended], data: Path) -> None:
    spoil_all(data, "soil", lambda row: "peat" if row < 12 else "")
    ended = run(data)
    assert ended.code == 3
    assert "AnomalyGate failed" in ended.text
    assert "soil: ENUM_TYPE_UNEXPECTED_STRING_VALUES in span-2019, 12 rows" in ended.text


def test_a_tolerated_anomaly_lets_the_run_go_on(run: Callable[..., Ended], data: Path) -> None:
    spoil_all(data, "soil", lambda row: "peat" if row < 12 else "")
    ended = run(data, "--set", "anomalies.tolerate=[soil]", "--to", "AnomalyGate")
    assert ended.code == 0
    assert "failed" not in ended.text


def test_a_label_that_is_always_the_same_stops_the_run(run: Callable[..., Ended], data: Path) -> None:
    spoil_all(data, "crop", lambda _: "rye")
    ended = run(data)
    assert ended.code == 3
    assert "crop: LABEL_CONSTANT" in ended.text


@pytest.mark.parametrize(
    ("flag", "told"),
    [
        ("network.dropuot=0.1", "unknown key 'network.dropuot'. Did you mean 'dropout'?"),
        ("netwrk.dropout=0.1", "unknown key 'netwrk.dropout'. Did you mean 'network'?"),
        ("network.epochs=many", "key 'network.epochs'"),
        ("network.epochs", "expected key=value"),
        ("evaluation.bounds.auc=0.7", "auc"),
    ],
)
def test_a_wrong_key_is_named(run: Callable[..., Ended], data: Path, flag: str, told: str) -> None:
    ended = run(data, "--set", flag)
    assert ended.code == 2
    assert told in ended.text


def test_an_unknown_node_is_named(run: Callable[..., Ended], data: Path) -> None:
    ended = run(data, "--only", "Trainr")
    assert ended.code == 2
    assert "Did you mean 'Trainer'?" in ended.text


def test_a_node_that_needs_what_never_ran_says_so(run: Callable[..., Ended], data: Path, tmp_path: Path) -> None:
    ended = run(data, "--only", "Evaluator", output=tmp_path / "fresh")
    assert ended.code == 2
    assert "Run the whole pipeline first" in ended.text


def test_a_second_run_on_the_same_output_is_refused(run: Callable[..., Ended], crops: Run, data: Path) -> None:
    with (crops.output / ".lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        ended = run(data)
    assert ended.code == 2
    assert "another run is using it" in ended.text


def test_an_output_that_cannot_be_written_is_named(run: Callable[..., Ended], data: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder", encoding="utf-8")
    ended = run(data, output=tmp_path / "file")
    assert ended.code == 2
    assert "cannot be written" in ended.text
