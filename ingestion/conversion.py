"""One block of a raw file to the shards of its span."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from ingestion.block import BLOCK_BYTES, Block, Rows
from ingestion.examples import BATCH_ROWS, encoded, example_encoder
from ingestion.formats import reader_of
from ingestion.sampling import Sample
from ingestion.shards import Place, split_writers
from ingestion.splits import SPLITS, split_numbers
from schema.errors import InputError
from schema.precision import Precision, merged
from schema.problem import Split
from schema.rows import columns


@dataclass(frozen=True)
class SpanRequest:
    """One span to convert: its files, and the folder that is to hold its shards."""

    span: int
    files: tuple[Path, ...]
    folder: Path


@dataclass(frozen=True)
class Conversion:
    """How all spans are converted.

    Attributes:
        schema_text: the schema as a text proto, which any worker can be sent.
        label: column without which a row is left out.
        split: how rows are dealt to splits.
        sample_rows: about how many rows of each span are kept; None for all.
        seed: of the sample.
        block_bytes: size of a block.
    """

    schema_text: str
    label: str
    split: Split
    sample_rows: int | None = None
    seed: int = 0
    block_bytes: int = BLOCK_BYTES

    @property
    def schema(self) -> schema_pb2.Schema:
        """The schema's proto."""
        return text_format.Parse(self.schema_text, schema_pb2.Schema())


@dataclass(frozen=True)
class Work:
    """A block and the place of its rows: the unit that a worker is sent."""

    span: int
    folder: Path
    place: Place
    block: Block


@dataclass(frozen=True)
class Outcome:
    """What became of a block, or its fault.

    Attributes:
        place: of the block.
        unlabelled: rows that had no label.
        labelled: rows that had one.
        unsampled: rows that had one and are not in the sample.
        rows: rows written to each split.
        precision: what its numbers lose in float32, by column.
        counted: rows of the block, counted without the parser.
        fault: why it could not be converted.
    """

    place: Place
    unlabelled: int = 0
    labelled: int = 0
    unsampled: int = 0
    rows: dict[str, int] = field(default_factory=dict)
    precision: dict[str, Precision] = field(default_factory=dict)
    counted: int = 0
    fault: str | None = None


@dataclass(frozen=True)
class CutFile:
    """What is due of a file.

    Attributes:
        file: place among the span's files, from 0.
        blocks: that it was cut into.
        rows: that they have, where they were counted while it was cut; else None.
        counted_by: what counts them, here or while they are read; see ingestion.block.Reader.
    """

    file: int
    blocks: int
    rows: int | None
    counted_by: str


def cut(request: SpanRequest, file: int, conversion: Conversion) -> Iterator[Work | Outcome | CutFile]:
    """The blocks of one of the span's files, and last what is due of it, or the fault beyond which nothing was cut."""
    path, number = request.files[file], 0
    rows: int | None = 0
    try:
        reader = reader_of(path)
        for block in reader.cut(path, columns(conversion.schema), conversion.block_bytes):
            yield Work(request.span, request.folder, Place(file, number), block)
            number += 1
            rows = None if rows is None or block.rows is None else rows + block.rows
        yield CutFile(file, number, rows, reader.COUNTED_BY)
    except InputError as error:
        yield Outcome(Place(file, number), fault=str(error))


def count_labelled(work: Work, conversion: Conversion) -> int:
    """Rows of the block with a label; those before a fault, which `convert_block` will tell."""
    rows = 0
    try:
        for part in _parts(work, conversion):
            rows += part.table.num_rows - part.table[conversion.label].null_count
    except InputError:
        return rows
    return rows


def convert_block(work: Work, conversion: Conversion, available: int | None) -> Outcome:
    """Writes the block's shards; a fault is an outcome too, since runners give exceptions words of their own.

    Args:
        work: the block.
        conversion: how it is converted.
        available: labelled rows of the span, of which a sample takes its share; None without a sample.
    """
    try:
        with split_writers(work.folder, work.place) as writers:
            return _write(work, conversion, available, writers)
    except InputError as error:
        return Outcome(work.place, fault=str(error))


def _write(work: Work, conversion: Conversion, available: int | None, writers: list[Any]) -> Outcome:
    unlabelled = labelled = kept = 0
    counted = work.block.rows or 0
    precision: dict[str, Precision] = {}
    counts = np.zeros(len(SPLITS), np.int64)
    encoder = example_encoder(conversion.schema)
    for part in _parts(work, conversion):
        _check_keys(part, conversion)
        precision = merged([precision, part.precision])
        counted += part.counted or 0
        rows = part.table.filter(part.table[conversion.label].is_valid())
        labelled += rows.num_rows
        unlabelled += part.table.num_rows - rows.num_rows
        for batch in _batches(rows, work.span, conversion, available):
            kept += batch.num_rows
            numbers = split_numbers(batch, conversion.split)
            for number, example in zip(numbers.tolist(), encoded(batch, encoder), strict=True):
                writers[number].write(example)
            counts += np.bincount(numbers, minlength=len(SPLITS))
    rows = dict(zip(SPLITS, counts.tolist(), strict=True))
    return Outcome(work.place, unlabelled, labelled, labelled - kept, rows, precision, counted)


def _batches(rows: pa.Table, span: int, conversion: Conversion, available: int | None) -> Iterator[pa.Table]:
    """The rows that are kept, some thousands at a time, so that their serialized forms do not all stay in memory."""
    for start in range(0, rows.num_rows, BATCH_ROWS):
        batch = rows.slice(start, BATCH_ROWS)
        if conversion.sample_rows is not None and available is not None:
            sample = Sample(conversion.sample_rows, available, conversion.seed + span)
            batch = batch.filter(pa.array(sample.kept(batch)))
        yield batch


def _parts(work: Work, conversion: Conversion) -> Iterator[Rows]:
    reader = reader_of(work.block.path)
    return reader.read(work.block, columns(conversion.schema), conversion.block_bytes)


def _check_keys(part: Rows, conversion: Conversion) -> None:
    key = conversion.split.key
    if key is None:
        return
    keyless = pc.and_(part.table[key].is_null(), part.table[conversion.label].is_valid())
    row = pc.index(keyless, True).as_py()
    if row >= 0:
        raise InputError(f"{part.place(row)}: column '{key}' is empty. Rows are split by it.")
