"""What a run says of its data before TensorFlow is loaded."""

import shutil
import sys
from pathlib import Path

import pytest
from ml_metadata import metadata_store

from pipeline.config.pipeline_config import Config, load_config
from pipeline.local.preflight import build_sample, check_first_rows, check_output
from pipeline.metadata.namespace import in_file
from schema.errors import InputError
from tests.crops import PROBLEMS, write_crops


@pytest.mark.parametrize(
    ("years", "told"), [(range(2019, 2020), "1 span and its columns in"), (range(2019, 2021), "2 spans and their col")]
)
def test_the_spans_that_are_in_order_are_counted(tmp_path: Path, years: range, told: str) -> None:
    config = load_config(str(PROBLEMS / "crops"), data=str(write_crops(tmp_path, years)))

    assert check_first_rows(config).startswith(f"crops: config, {told}")


def test_data_in_another_format_leads_to_the_pattern(tmp_path: Path) -> None:
    (tmp_path / "year-2019.parquet").touch()
    config = load_config(str(PROBLEMS / "crops"), data=str(tmp_path))

    told = r"no file fits data\.pattern 'year-\{SPAN:4\}\.csv'\. The folder has year-2019\.parquet"
    with pytest.raises(InputError, match=told):
        check_first_rows(config)


@pytest.mark.parametrize("flag", ["output", "data"])
def test_an_empty_folder_is_not_the_current_one(flag: str) -> None:
    with pytest.raises(InputError, match=rf"--{flag}: expected a folder\. Received: ''"):
        load_config("nyc_flights", **{flag: ""})


def test_what_is_no_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for place in ("/dev/null", str(tmp_path / "file")):
        with pytest.raises(InputError, match=f"--output {place}: cannot be written: it is there, and is no folder"):
            check_output(load_config("nyc_flights", output=place))
    check_output(load_config("nyc_flights", output=str(tmp_path / "new")))


def of_length(base: Path, size: int) -> Path:
    """A folder below the base whose path has so many bytes."""
    path = base
    while size - len(str(path)) > 220:
        path /= "d" * 99
    return path / ("e" * (size - len(str(path)) - 1))


def test_a_path_is_refused_where_sqlite_does_not_open_it(tmp_path: Path) -> None:
    longest = of_length(tmp_path, 504 - len("/metadata.sqlite"))
    longest.mkdir(parents=True)
    check_output(load_config("nyc_flights", output=str(longest)))
    metadata_store.MetadataStore(in_file(longest / "metadata.sqlite"))
    for size in (489, 950, 5000):
        with pytest.raises(InputError, match=rf"--output: expected a path of at most 488 bytes.*Received: {size}"):
            check_output(load_config("nyc_flights", output=str(of_length(tmp_path, size))))


def with_builder(tmp_path: Path, name: str) -> Config:
    """The crops problem in a folder of the test's, whose data this builds."""
    folder = tmp_path / "crops"
    if not folder.exists():
        shutil.copytree(PROBLEMS / "crops", folder)
    return load_config(str(folder), output=str(tmp_path / "o"), sets=[f"data.builder={name}", f"data.path={tmp_path}"])


@pytest.mark.parametrize(
    "name",
    ["os", "this", "ingestion", "ingestion.absent", "ingestion.nyc_flights.x", "../evil", "pipeline.local.run", "''"],
)
def test_no_module_is_imported_but_a_builder(tmp_path: Path, name: str) -> None:
    # What its import prints would tell that it was imported.
    sys.modules.pop("this", None)
    with pytest.raises(InputError, match=r"data\.builder: expected a module of ingestion/"):
        build_sample(with_builder(tmp_path, name))
    assert "this" not in sys.modules


def test_a_module_that_builds_nothing_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"'ingestion\.splits' has no MARKER and no build, which a builder has"):
        build_sample(with_builder(tmp_path, "ingestion.splits"))


def test_a_builder_may_lie_beside_the_problem(tmp_path: Path) -> None:
    config = with_builder(tmp_path, "make_data")
    text = "MARKER = 'done'\ndef build(folder):\n    (folder / MARKER).touch()\n    return f'built in {folder.name}'\n"
    (tmp_path / "crops" / "make_data.py").write_text(text, encoding="utf-8")
    assert build_sample(config) == f"{tmp_path}: built in {tmp_path.name}"
    assert build_sample(config) is None


def test_the_first_rows_of_all_files_are_told_at_once_and_once_each(tmp_path: Path) -> None:
    data = write_crops(tmp_path, range(2019, 2023), rows=3)
    for year, cell in ((2019, "NA"), (2020, "NA"), (2022, "NA")):
        lines = (data / f"year-{year}.csv").read_text(encoding="utf-8").splitlines()
        cells = lines[2].split(",")
        lines[2] = ",".join([*cells[:2], cell, *cells[3:]])
        (data / f"year-{year}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    text = (data / "year-2021.csv").read_text(encoding="utf-8")
    (data / "year-2021.csv").write_text(text.replace("farm,soil", "farm,Soil"), encoding="utf-8")
    with pytest.raises(InputError) as caught:
        check_first_rows(load_config(str(PROBLEMS / "crops"), data=str(data)))
    lines = str(caught.value).replace(f"{data}/", "").splitlines()
    assert lines == [
        "year-2019.csv:3: column 'rain_mm': expected a number. Received: 'NA'. A missing value is an empty cell "
        "(and so in 2 more files)",
        "year-2021.csv:1: column 'Soil' is not in the schema. Did you mean 'soil'?",
        "year-2021.csv:1: column 'soil' of the schema is missing. Received: farm,Soil,rain_mm,sowing_week,ph,crop,"
        "yield_t".replace(",", ", "),
    ]
