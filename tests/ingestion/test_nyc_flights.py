"""The sample data's builder: the join on literal tables, and the build on small ones and on the real ones."""

import hashlib
from pathlib import Path

import pandas as pd
import pytest

from ingestion import nyc_flights
from ingestion.csv_reader import read_csv
from ingestion.nyc_flights import COLUMNS, MARKER, build, clock_minutes, find_tables, join, to_csv
from schema.errors import InputError
from schema.rows import columns, read_schema

SCHEMA = Path(__file__).resolve().parents[2] / "schema" / "nyc_flights" / "schema.pbtxt"

FLIGHTS = """\
year,month,day,hour,minute,sched_arr_time,arr_delay,carrier,tailnum,origin,dest,distance,time_hour
2013,1,5,23,50,5,16,B6,N1,JFK,PSE,1617,2013-01-06T04:00:00Z
2013,1,6,9,0,1430,15,HA,N2,JFK,HNL,4983,2013-01-06T14:00:00Z
2013,1,6,9,0,1000,,UA,N1,EWR,BOS,200,2013-01-06T14:00:00Z
2013,2,1,6,5,2400,-3,AA,,LGA,ORD,733,2013-02-01T11:00:00Z
"""
WEATHER = """\
origin,time_hour,temp,dewp,humid,wind_dir,wind_speed,wind_gust,precip,pressure,visib
JFK,2013-01-06T04:00:00Z,39.02,26.06,59.37,270,10.35702,,0,1012.5,10
EWR,2013-01-06T14:00:00Z,99,99,99,99,99,99,9,999,9
"""
PLANES = """\
tailnum,year,manufacturer,engine,seats
N1,1999,AIRBUS,Turbo-fan,182
N2,,BOEING,Turbo-jet,377
"""


@pytest.fixture
def tables(tmp_path: Path) -> dict[str, Path]:
    """The three tables as files."""
    paths = {}
    for name, text in {"flights": FLIGHTS, "weather": WEATHER, "planes": PLANES}.items():
        paths[name] = tmp_path / f"source-{name}.csv"
        paths[name].write_text(text, encoding="utf-8")
    return paths


@pytest.fixture
def frames(tables: dict[str, Path]) -> dict[str, pd.DataFrame]:
    """The three tables."""
    return {name: pd.read_csv(path) for name, path in tables.items()}


@pytest.fixture
def small(tables: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
    """The three tables in place of the package's."""
    monkeypatch.setattr(nyc_flights, "find_tables", lambda: tables)
    return tables


def test_a_row_is_what_was_known_before_departure(frames: dict[str, pd.DataFrame]) -> None:
    row = join(**frames).rows.iloc[0].to_dict()

    assert pd.isna(row.pop("wind_gust"))
    assert row == {
        "date": "2013-01-05",
        "carrier": "B6",
        "origin": "JFK",
        "dest": "PSE",
        "month": 1,
        "day_of_week": 6,  # 5 January 2013 was a Saturday
        "dep_hour": 23,
        "dep_minute_of_day": 23 * 60 + 50,
        "arr_minute_of_day": 5,
        "scheduled_minutes": 15,  # 23:50 to 00:05
        "distance_miles": 1617,
        "aircraft_age_years": 14,
        "aircraft_seats": 182,
        "aircraft_manufacturer": "AIRBUS",
        "aircraft_engine": "Turbo-fan",
        "temp": 39.02,
        "dewp": 26.06,
        "humid": 59.37,
        "wind_dir": 270,
        "wind_speed": 10.35702,
        "precip": 0.0,
        "pressure": 1012.5,
        "visib": 10.0,
        "late": 1,
    }


def test_late_is_more_than_fifteen_minutes(frames: dict[str, pd.DataFrame]) -> None:
    assert join(**frames).rows["late"].tolist() == [1, 0, 0]  # 16, 15 and -3 minutes


def test_a_flight_that_never_arrived_is_left_out_and_counted(frames: dict[str, pd.DataFrame]) -> None:
    joined = join(**frames)

    assert joined.unlabelled == 1
    assert joined.rows["dest"].tolist() == ["PSE", "HNL", "ORD"]


def test_what_the_tables_do_not_know_is_an_empty_cell(frames: dict[str, pd.DataFrame]) -> None:
    lines = to_csv(join(**frames).rows).decode().splitlines()

    assert lines == [
        ",".join(COLUMNS),
        "2013-01-05,1,6,B6,JFK,PSE,23,1430,5,15,1617,14,182,AIRBUS,Turbo-fan,"
        "39.02,26.06,59.37,270,10.35702,,0.0,1012.5,10.0,1",
        "2013-01-06,1,7,HA,JFK,HNL,9,540,870,330,4983,,377,BOEING,Turbo-jet,,,,,,,,,,0",
        "2013-02-01,2,5,AA,LGA,ORD,6,365,0,1075,733,,,,,,,,,,,,,,0",
    ]


def test_weather_is_that_of_the_origin_and_the_hour(frames: dict[str, pd.DataFrame]) -> None:
    # EWR's weather at 14:00 belongs to neither of JFK's flights, one of which leaves at 14:00.
    assert join(**frames).rows["temp"].isna().tolist() == [False, True, True]


@pytest.mark.parametrize(("table", "key"), [("weather", "origin=JFK"), ("planes", "tailnum=N1")])
def test_a_repeated_key_is_refused(frames: dict[str, pd.DataFrame], table: str, key: str) -> None:
    frames[table] = pd.concat([frames[table], frames[table].head(1)])

    with pytest.raises(InputError, match=rf"table '{table}'.*{key}"):
        join(**frames)


def test_a_string_with_a_comma_stays_one_cell(frames: dict[str, pd.DataFrame]) -> None:
    frames["planes"]["manufacturer"] = "BOEING, INC"

    assert ',"BOEING, INC",' in to_csv(join(**frames).rows).decode()


def test_clock_minutes() -> None:
    assert clock_minutes(pd.Series([5, 100, 1430, 2359, 2400])).tolist() == [5, 60, 870, 1439, 0]


@pytest.mark.usefixtures("small")
def test_a_span_is_a_month(tmp_path: Path) -> None:
    report = build(tmp_path / "data")

    assert (report.rows, report.late, report.unlabelled) == ({1: 2, 2: 1}, 1, 1)
    assert sorted(path.as_posix() for path in (tmp_path / "data").rglob("*.csv")) == [
        f"{tmp_path}/data/span-01/flights.csv",
        f"{tmp_path}/data/span-02/flights.csv",
    ]
    assert not list((tmp_path / "data").rglob("*.partial"))


@pytest.mark.usefixtures("small")
def test_the_files_fit_the_schema(tmp_path: Path) -> None:
    build(tmp_path / "data")

    table = read_csv(tmp_path / "data" / "span-01" / "flights.csv", columns(read_schema(SCHEMA)))

    assert table["aircraft_age_years"].to_pylist() == [14, None]
    assert table["date"].to_pylist() == ["2013-01-05", "2013-01-06"]


@pytest.mark.usefixtures("small")
def test_the_bytes_are_the_same_each_time(tmp_path: Path) -> None:
    build(tmp_path / "one")
    build(tmp_path / "two")

    assert digests(tmp_path / "one") == digests(tmp_path / "two")


@pytest.mark.usefixtures("small")
def test_a_whole_build_is_not_done_again(tmp_path: Path) -> None:
    first = build(tmp_path)
    times = [path.stat().st_mtime_ns for path in sorted(tmp_path.rglob("*.csv"))]

    assert build(tmp_path) == first
    assert [path.stat().st_mtime_ns for path in sorted(tmp_path.rglob("*.csv"))] == times


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("damage", ["no marker", "torn marker", "no file", "short file"])
def test_a_half_build_is_done_again(tmp_path: Path, damage: str) -> None:
    build(tmp_path / "data")
    whole = digests(tmp_path / "data")
    span, marker = tmp_path / "data" / "span-02" / "flights.csv", tmp_path / "data" / MARKER
    if damage == "no marker":
        marker.unlink()
        span.write_text("half")
    elif damage == "torn marker":
        marker.write_text('{"recipe": "')
    elif damage == "no file":
        span.unlink()
    else:
        span.write_bytes(span.read_bytes()[:-1])

    build(tmp_path / "data")

    assert digests(tmp_path / "data") == whole


def test_other_tables_are_another_build(small: dict[str, Path], tmp_path: Path) -> None:
    build(tmp_path / "data")
    small["weather"].write_text(WEATHER.replace("39.02", "40.1"), encoding="utf-8")

    build(tmp_path / "data")

    assert ",40.1," in (tmp_path / "data" / "span-01" / "flights.csv").read_text(encoding="utf-8")


@pytest.mark.usefixtures("small")
def test_later_spans_are_left_alone(tmp_path: Path) -> None:
    later = tmp_path / "span-13" / "labelled.csv"
    later.parent.mkdir()
    later.write_text("kept", encoding="utf-8")

    build(tmp_path)

    assert later.read_text(encoding="utf-8") == "kept"


def test_a_table_without_a_column_is_named(small: dict[str, Path], tmp_path: Path) -> None:
    small["planes"].write_text("tailnum,year\nN1,1999\n", encoding="utf-8")

    with pytest.raises(InputError, match=r"source-planes\.csv: expected columns tailnum"):
        build(tmp_path / "data")


def test_a_package_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nyc_flights, "_PACKAGE", "no_such_package")

    with pytest.raises(InputError, match=r"'no_such_package' is not installed\. Run: make sync"):
        find_tables()


@pytest.mark.usefixtures("small")
def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder", encoding="utf-8")

    with pytest.raises(InputError, match=r"file: the sample data cannot be written"):
        build(tmp_path / "file")


@pytest.mark.usefixtures("small")
def test_the_command_writes_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert nyc_flights.main([str(tmp_path / "data")]) == 0
    assert capsys.readouterr().out == (
        f"{tmp_path}/data: 2 spans, 3 flights, 33.3% late; "
        "1 cancelled or diverted flights have no label and were left out\n"
    )


def test_the_command_answers_2_for_what_a_person_can_mend(
    small: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    small["flights"].unlink()

    assert nyc_flights.main([str(tmp_path / "data")]) == 2
    assert "source-flights.csv" in capsys.readouterr().err


def test_the_real_tables_give_the_year(tmp_path: Path) -> None:
    report = build(tmp_path)

    assert list(report.rows) == list(range(1, 13))
    assert sum(report.rows.values()) + report.unlabelled == 336_776  # flights that the package's notes count
    assert 0.23 < report.late / sum(report.rows.values()) < 0.24


def digests(folder: Path) -> dict[str, str]:
    """Digest of each file below the folder."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
