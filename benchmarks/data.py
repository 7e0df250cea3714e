"""The rows of a benchmark: CSV files that both sides read, as many times the problem's rows as asked for.

Both sides read the same bytes. Numbers are written so that CsvExampleGen, which infers its types, finds the schema's:
3.0 in a FLOAT column and 3 in an INT column; a missing value is an empty cell; rows without a label are left out.
"""

import hashlib
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from benchmarks import vary
from ingestion.windows import find_spans, fingerprint
from pipeline.config.pipeline_config import Config
from schema.errors import InputError
from schema.rows import Kind, columns, read_schema

MARKER = ".written"
_BLOCK_BYTES = 8 << 20
_TYPES = {Kind.STRING: pa.string(), Kind.INTEGER: pa.int64(), Kind.NUMBER: pa.float64()}
_OPTIONS = csv.WriteOptions(include_header=False, quoting_style="none")


@dataclass(frozen=True)
class Written:
    """A folder of spans, how many rows all of them have, and their bytes."""

    folder: Path
    rows: int
    bytes: int


@dataclass(frozen=True)
class Thinning:
    """Which of `total` rows are kept: `kept` of them, evenly spread."""

    total: int
    kept: int

    def mask(self, first: int, rows: int) -> pa.Array:
        """Bools [rows] for the rows from the `first` on."""
        ends = np.arange(first, first + rows + 1, dtype=np.int64) * self.kept // self.total
        return pa.array(np.diff(ends) > 0)


def write_data(config: Config, folder: Path, times: int = 1, rows: int | None = None) -> Written:
    """Writes `config.data` anew below `folder`, unless it is there.

    Args:
        config: the problem and where its own rows are.
        folder: where the data of benchmarks lies; each size has a folder of its own in it.
        times: how often each span's rows are written into its file; the first time as they are, then varied.
        rows: about how many of the labelled rows are taken, evenly; None for all.

    Raises:
        InputError: if there are no rows, or a value would need quotes.
    """
    spans = find_spans(config.data, config.problem.data.pattern)
    files = [path for paths in spans.values() for path in paths]
    target = folder / f"{rows or 'all'}-rows-{times}x"
    recipe = _recipe(config, files, times, rows)
    done = _finished(target, recipe)
    if done is not None:
        return done
    aside = target.with_name(f".{target.name}.partial")
    shutil.rmtree(aside, ignore_errors=True)
    written = _write_all(config, files, aside, times, rows)
    (aside / MARKER).write_text(json.dumps({"recipe": recipe, "rows": written}), encoding="utf-8")
    shutil.rmtree(target, ignore_errors=True)
    aside.rename(target)
    return Written(target, written, _bytes(target))


def _write_all(config: Config, files: list[Path], target: Path, times: int, rows: int | None) -> int:
    labelled = sum(batch.num_rows for path in files for batch in labelled_batches(config, path))
    if not labelled:
        raise InputError(f"{config.data}: no row has a label in column '{config.problem.label}'")
    thinning = Thinning(labelled, min(rows or labelled, labelled))
    first = written = 0
    for place, path in enumerate(files):
        out = target / path.relative_to(config.data)
        out.parent.mkdir(parents=True, exist_ok=True)
        with out.open("wb") as stream:
            for copy in range(times):
                read, kept = _write_file(config, path, stream, thinning, first, (place, copy))
                written += kept
        first += read
    return written


def _write_file(
    config: Config, path: Path, stream: BinaryIO, thinning: Thinning, first: int, seed: tuple[int, int]
) -> tuple[int, int]:
    """Writes the file's rows once more; returns how many labelled rows it has and how many were written."""
    domains = vary.varied_columns(config.problem, read_schema(config.schema_file))
    random, read, kept = np.random.default_rng(seed), 0, 0
    for batch in labelled_batches(config, path):
        if not stream.tell():
            stream.write((",".join(batch.schema.names) + "\n").encode())
        part = batch.filter(thinning.mask(first + read, batch.num_rows))
        write_rows(vary.varied(part, domains, random) if seed[1] else part, stream, path)
        read, kept = read + batch.num_rows, kept + part.num_rows
    return read, kept


def labelled_batches(config: Config, path: Path) -> Iterator[pa.RecordBatch]:
    """The file's rows that have a label, a block at a time, in the schema's types."""
    known = columns(read_schema(config.schema_file))
    options = csv.ConvertOptions(
        column_types={name: _TYPES[column.kind] for name, column in known.items()}, strings_can_be_null=True
    )
    with csv.open_csv(path, csv.ReadOptions(block_size=_BLOCK_BYTES), convert_options=options) as reader:
        for batch in reader:
            yield batch.filter(batch.column(config.problem.label).is_valid())


def write_rows(batch: pa.RecordBatch, stream: BinaryIO, source: Path) -> None:
    """Writes the rows as lines of CSV without a header.

    Raises:
        InputError: if a value holds a comma, a quote or a line's end.
    """
    arrays = [with_point(column) if pa.types.is_floating(column.type) else column for column in batch.columns]
    try:
        csv.write_csv(pa.RecordBatch.from_arrays(arrays, names=batch.schema.names), stream, _OPTIONS)
    except pa.ArrowInvalid as error:
        raise InputError(f"{source}: expected values without commas, quotes and line ends: {error}") from None


def with_point(numbers: pa.Array) -> pa.Array:
    """The numbers as text that no reader takes for an integer: 3.0, not 3."""
    text = numbers.cast(pa.string())
    whole = pc.invert(pc.match_substring_regex(text, "[.en]"))
    return pc.if_else(whole, pc.binary_join_element_wise(text, ".0", ""), text)


def _recipe(config: Config, files: list[Path], times: int, rows: int | None) -> str:
    digest = hashlib.sha256(json.dumps([times, rows, fingerprint(tuple(files))]).encode())
    for path in (Path(__file__), Path(vary.__file__), config.schema_file):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _finished(target: Path, recipe: str) -> Written | None:
    marker = target / MARKER
    if not marker.is_file():
        return None
    content = json.loads(marker.read_text(encoding="utf-8"))
    return Written(target, content["rows"], _bytes(target)) if content["recipe"] == recipe else None


def _bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and path.name != MARKER)
