"""What a dry run says of numbers that float32 cannot tell apart, from rows whose steps and spread are known."""

import re
from collections.abc import Iterable
from pathlib import Path

import pytest

import run_local
from ingestion.conversion import Conversion, SpanRequest, Work, convert_block, cut
from ingestion.csv_reader import first_rows
from pipeline.config.pipeline_config import Config, load_config
from pipeline.local.early_precision import EarlyPrecision, judge, suspicions
from schema.errors import InputError
from schema.precision import check_precision, merged
from schema.rows import Column, columns, read_schema
from tests.crops import HEADER, PROBLEMS

# Two numbers of the problem's `rain_mm`: milliseconds, where float32 has steps of 2^17, and seconds, of 2^7.
MILLISECONDS = 1_700_000_000_000
SECONDS = 1_700_000_000


def write(folder: Path, rain: Iterable[object], year: int = 2019) -> Path:
    """A file of the problem with these values of `rain_mm`; all else is ordinary."""
    lines = (f"{row % 50},clay,{value},10,{6 + row % 5 / 4},rye,5.0\n" for row, value in enumerate(rain))
    path = folder / f"year-{year}.csv"
    path.write_text(f"{HEADER}\n{''.join(lines)}", encoding="utf-8")
    return path


def dry_run(folder: Path) -> int:
    """The exit code of a dry run on the folder's files."""
    output = str(folder / "output")
    return run_local.main(
        ["--problem", str(PROBLEMS / "crops"), "--data", str(folder), "--output", output, "--dry-run"]
    )


def crops(folder: Path) -> tuple[Config, dict[str, Column]]:
    """The problem on the folder's files, and its columns."""
    config = load_config(str(PROBLEMS / "crops"), data=str(folder))
    return config, columns(read_schema(config.schema_file))


def test_milliseconds_of_ten_minutes_are_refused_by_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, (MILLISECONDS + row for row in range(600_000)))

    assert dry_run(tmp_path) == 2

    said = capsys.readouterr()
    assert said.out == ""
    (fault,) = said.err.splitlines()
    assert fault.startswith("problem.yaml: features.rain_mm: column 'rain_mm' is too fine for float32")
    # The middle 98 % of 600,000 evenly spread numbers deviate by 0.98 * 600,000 / root of 12 = 169,700; the two blocks
    # of the file, of unlike length, weigh the same.
    deviation = re.search(r"and a deviation of ([0-9.e+]+)\.", fault)
    assert deviation is not None
    assert float(deviation[1]) == pytest.approx(169_700, rel=0.1)
    assert fault.endswith("such as 1.7e+12, from the column in the files, and at serving")


def test_the_run_refuses_in_the_same_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path, range(SECONDS, SECONDS + 600))
    assert dry_run(tmp_path) == 2

    config, _ = crops(tmp_path)
    conversion = Conversion(config.schema_file.read_text(encoding="utf-8"), "crop", config.problem.split)
    work = [
        piece for piece in cut(SpanRequest(2019, (path,), tmp_path / "span"), 0, conversion) if isinstance(piece, Work)
    ]
    measured = merged(convert_block(block, conversion, None).precision for block in work)
    with pytest.raises(InputError) as refused:
        check_precision(measured, config.problem, columns(read_schema(config.schema_file)))
    assert capsys.readouterr().err == f"{refused.value}\n"


def test_a_table_sorted_by_time_is_let_pass_though_its_first_rows_would_not_be(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # 100,000 seconds deviate by 0.98 * 100,000 / root of 12 = 28,290, of which a hundredth is more than a step of 128.
    # The first mebibyte has less than 35,000 rows, which deviate by less than 10,000.
    path = write(tmp_path, range(SECONDS, SECONDS + 100_000))
    config, known = crops(tmp_path)
    assert len(suspicions([first_rows(path, known).precision], known, config.problem)) == 1

    assert dry_run(tmp_path) == 0

    assert capsys.readouterr() == (f"crops: config, 1 span and its columns in {tmp_path} are in order\n", "")


def test_files_of_one_hour_each_are_judged_together(tmp_path: Path) -> None:
    # A row a minute. One hour deviates by 1,000 s, of which a hundredth is 10; 48 hours by 48,000, of which it is 480.
    for hour in range(48):
        write(tmp_path, range(SECONDS + 3600 * hour, SECONDS + 3600 * (hour + 1), 60), year=2000 + hour)

    assert dry_run(tmp_path) == 0
    for hour in range(1, 48):
        (tmp_path / f"year-{2000 + hour}.csv").unlink()
    assert dry_run(tmp_path) == 2


def test_a_file_in_which_a_column_never_varies_does_not_let_it_pass(tmp_path: Path) -> None:
    # 1.7e9 is a multiple of 128; 30 s after it is moved by 30. Neither file varies, both deviate by 30 and 15 s.
    write(tmp_path, [SECONDS + 30] * 100)
    write(tmp_path, [SECONDS + 60] * 100, year=2020)

    assert dry_run(tmp_path) == 2


def test_ordinary_numbers_are_let_pass(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, ["", 0.5, 612.25, 830, 1e3, ""])

    assert dry_run(tmp_path) == 0
    assert capsys.readouterr().out == f"crops: config, 1 span and its columns in {tmp_path} are in order\n"


def test_it_is_told_together_with_what_else_does_not_fit(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path, (MILLISECONDS + 1000 * row for row in range(600)))
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace(",10,6.5,rye", ",NA,6.5,rye", 1), encoding="utf-8")

    assert dry_run(tmp_path) == 2

    cell, fault = capsys.readouterr().err.splitlines()
    assert cell == (
        f"{path}:4: column 'sowing_week': expected an integer. Received: 'NA'. A missing value is an empty cell"
    )
    assert fault.startswith("problem.yaml: features.rain_mm: column 'rain_mm' is too fine for float32")
    assert fault.endswith("This is by the first rows of each file alone: Transform judges by all rows")


def test_a_row_far_behind_that_does_not_fit_is_told_where_all_are_read(tmp_path: Path) -> None:
    path = write(tmp_path, [*range(SECONDS, SECONDS + 40_000), "wet"])
    config, known = crops(tmp_path)
    first = first_rows(path, known)
    assert first.faults == []

    row, rain = judge([path], known, config.problem, [first.precision]).faults

    assert row == f"{path}:40002: column 'rain_mm': expected a number. Received: 'wet'"
    assert rain.endswith("This is by the first rows of each file alone: Transform judges by all rows")


def test_what_is_longer_than_the_look_is_noted_and_not_refused(tmp_path: Path) -> None:
    paths = [write(tmp_path, range(SECONDS, SECONDS + 300), year=year) for year in (2019, 2020)]
    config, known = crops(tmp_path)
    first = [first_rows(path, known).precision for path in paths]

    (note,) = judge(paths, known, config.problem, first, largest=1).notes

    assert note.startswith("warning: problem.yaml: features.rain_mm: column 'rain_mm' is too fine for float32")
    assert note.endswith("This is by the first 300 rows alone: Transform judges by all rows")


@pytest.mark.parametrize("rain", [["600.5", "700"], range(SECONDS, SECONDS + 100_000)])
def test_no_more_is_read_than_lets_the_columns_pass(rain: Iterable[object], tmp_path: Path) -> None:
    read, absent = write(tmp_path, rain), tmp_path / "year-2020.csv"
    config, known = crops(tmp_path)

    assert judge([read, absent], known, config.problem, [first_rows(read, known).precision]) == EarlyPrecision()
