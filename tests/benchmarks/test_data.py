"""The rows of a benchmark: the same for both sides, in types that CsvExampleGen infers right, varied when repeated."""

from csv import reader
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import csv
from tfx_bsl.coders import csv_decoder

from benchmarks.data import Thinning, Written, with_point, write_data
from benchmarks.vary import Domain, varied_columns
from pipeline.config.pipeline_config import Config, load_config
from schema.errors import InputError
from schema.rows import Kind, columns, read_schema

HEADER = (
    "date,month,day_of_week,carrier,origin,dest,dep_hour,dep_minute_of_day,arr_minute_of_day,scheduled_minutes,"
    "distance_miles,aircraft_age_years,aircraft_seats,aircraft_manufacturer,aircraft_engine,temp,dewp,humid,wind_dir,"
    "wind_speed,wind_gust,precip,pressure,visib,late"
)
ROWS = (
    "2013-01-01,1,2,UA,EWR,IAH,5,315,499,184,1400,14,149,BOEING,Turbo-fan,39.0,28.04,64.43,260,12.65858,,0.0,1011.9,10.0,0",
    "2013-01-01,1,2,UA,LGA,IAH,0,0,1439,181,1416,,,,,39.92,24.98,54.81,360,14.96014,21.86482,0.0,,10.0,1",
    "2013-01-02,1,3,B6,JFK,MIA,5,340,523,183,1089,23,2,,,,,,,,,,,,1",
    "2013-01-02,1,3,B6,JFK,MIA,5,340,523,183,1089,23,2,,,,,,,,,,,,",
)


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """The flights problem with three labelled rows in each of two spans, and one row in each that has no label."""
    for span in ("span-01", "span-02"):
        (tmp_path / "raw" / span).mkdir(parents=True)
        (tmp_path / "raw" / span / "flights.csv").write_text("\n".join([HEADER, *ROWS]) + "\n", encoding="utf-8")
    return load_config("nyc_flights", data=str(tmp_path / "raw"), output=str(tmp_path / "out"))


def lines(written: Written, span: str = "span-01") -> list[str]:
    return (written.folder / span / "flights.csv").read_text(encoding="utf-8").splitlines()


def table(written: Written) -> pa.Table:
    return csv.read_csv(written.folder / "span-01" / "flights.csv")


def test_rows_are_written_as_they_are_and_those_without_a_label_left_out(config: Config, tmp_path: Path) -> None:
    written = write_data(config, tmp_path / "data")
    assert written.rows == 6
    assert lines(written) == [HEADER, *ROWS[:3]]
    assert lines(written, "span-02") == [HEADER, *ROWS[:3]]


def test_csv_example_gen_infers_the_types_of_the_schema(config: Config, tmp_path: Path) -> None:
    first, *rows = lines(write_data(config, tmp_path / "data", times=3))
    names = first.split(",")
    known = columns(read_schema(config.schema_file))
    inferrer = csv_decoder.ColumnTypeInferrer(column_names=names, skip_blank_lines=True)
    state = inferrer.create_accumulator()
    for cells in reader(rows):
        state = inferrer.add_input(state, [cell.encode() for cell in cells])
    found = {info.name: info.type for info in inferrer.extract_output(state)}
    kinds = {
        csv_decoder.ColumnType.STRING: Kind.STRING,
        csv_decoder.ColumnType.INT: Kind.INTEGER,
        csv_decoder.ColumnType.FLOAT: Kind.NUMBER,
    }
    assert {name: kinds[kind] for name, kind in found.items()} == {name: known[name].kind for name in names}


def test_a_whole_number_keeps_its_point_and_a_gap_stays_a_gap() -> None:
    written = with_point(pa.array([3.0, 0.25, None, 1e-7, -40.0]))
    assert written.to_pylist() == ["3.0", "0.25", None, "1e-7", "-40.0"]


def test_added_rows_keep_keys_labels_categories_and_gaps(config: Config, tmp_path: Path) -> None:
    written = write_data(config, tmp_path / "data", times=3)
    found = table(written)
    assert written.rows == 18
    for name in ("date", "carrier", "month", "dep_hour", "late"):
        values = found[name].to_pylist()
        assert values == values[:3] * 3
    gaps = found["aircraft_age_years"].is_null().to_pylist()
    assert gaps == [False, True, False] * 3


def test_added_rows_are_no_copies_and_stay_in_their_domains(config: Config, tmp_path: Path) -> None:
    _, *rows = lines(write_data(config, tmp_path / "data", times=40))
    assert len(set(rows)) > 100
    minutes = [int(row.split(",")[7]) for row in rows]
    assert min(minutes) == 0
    assert max(int(row.split(",")[8]) for row in rows) == 1439


def test_the_same_data_come_out_each_time(config: Config, tmp_path: Path) -> None:
    one, other = (write_data(config, tmp_path / name, times=3) for name in ("one", "other"))
    assert lines(one) == lines(other)


def test_data_that_are_there_are_not_written_again(config: Config, tmp_path: Path) -> None:
    file = write_data(config, tmp_path / "data").folder / "span-01" / "flights.csv"
    before = file.stat().st_ino
    assert write_data(config, tmp_path / "data").rows == 6
    assert file.stat().st_ino == before


def test_changed_sources_are_written_anew(config: Config, tmp_path: Path) -> None:
    write_data(config, tmp_path / "data")
    source = config.data / "span-01" / "flights.csv"
    source.write_text("\n".join([HEADER, ROWS[0]]) + "\n", encoding="utf-8")
    assert write_data(config, tmp_path / "data").rows == 4


def test_a_thinning_keeps_exactly_as_many_rows_evenly() -> None:
    thinning = Thinning(total=10, kept=4)
    whole = [place for place, kept in enumerate(thinning.mask(0, 10).to_pylist()) if kept]
    assert whole == [2, 4, 7, 9]
    assert thinning.mask(0, 6).to_pylist() + thinning.mask(6, 4).to_pylist() == thinning.mask(0, 10).to_pylist()


def test_a_trial_takes_rows_of_every_span(config: Config, tmp_path: Path) -> None:
    written = write_data(config, tmp_path / "data", rows=2)
    assert written.rows == 2
    assert lines(written) == [HEADER, ROWS[2]]
    assert lines(written, "span-02") == [HEADER, ROWS[2]]


def test_a_value_that_would_need_quotes_is_refused_by_its_file(config: Config, tmp_path: Path) -> None:
    source = config.data / "span-01" / "flights.csv"
    source.write_text("\n".join([HEADER, ROWS[0].replace("BOEING", '"BOEING, CO"')]) + "\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"span-01/flights\.csv: expected values without commas"):
        write_data(config, tmp_path / "data")


def test_data_without_a_label_anywhere_are_refused(config: Config, tmp_path: Path) -> None:
    for source in config.data.glob("*/flights.csv"):
        source.write_text("\n".join([HEADER, ROWS[3]]) + "\n", encoding="utf-8")
    with pytest.raises(InputError, match="no row has a label in column 'late'"):
        write_data(config, tmp_path / "data")


def test_the_quantile_features_vary_within_the_schemas_domains(config: Config) -> None:
    domains = varied_columns(config.problem, read_schema(config.schema_file))
    assert Domain("temp", -40, 130) in domains
    assert Domain("dep_minute_of_day", 0, 1439) in domains
    assert {domain.name for domain in domains}.isdisjoint({"date", "late", "month", "carrier"})
