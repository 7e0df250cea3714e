"""Spans of raw files to stored spans of Examples, as a Beam pipeline whose unit of work is a block."""

import shutil
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import apache_beam as beam

from ingestion.conversion import Conversion, CutFile, Outcome, SpanRequest, Work, convert_block, count_labelled, cut
from ingestion.shards import aside, gather
from ingestion.source_counts import source_counts
from schema.errors import InputError
from schema.precision import merged, write_precision

_SHOWN_FAULTS = 8
_Told = tuple[int, Outcome]


def write_spans(pipeline: beam.Pipeline, requests: Sequence[SpanRequest], conversion: Conversion) -> None:
    """Adds to the pipeline the conversion of the spans, each all or nothing into its folder.

    Only descriptions of blocks and counts pass between workers, never a row. `raise_faults` tells, once the pipeline
    has run, what did not fit.

    Args:
        pipeline: run by the caller; its workers see the files and folders at the same paths.
        requests: the spans, of which no two have one folder.
        conversion: how they are converted.
    """
    for request in requests:
        _clear(request.folder)
    files = [(request, file) for request in requests for file in range(len(request.files))]
    pieces = (
        pipeline
        | "Files" >> beam.Create(files)
        | "Cut" >> beam.FlatMap(_cut, conversion).with_outputs("ends", main="blocks")
    )
    # What was cut on one worker is dealt to all.
    blocks = pieces.blocks | "Deal" >> beam.Reshuffle()
    outcomes = blocks | "Convert" >> beam.Map(_convert, conversion, **_available(blocks, conversion))
    _ = (
        (outcomes, pieces.ends)
        | beam.Flatten()
        | beam.GroupByKey()
        | "Gather" >> beam.Map(_gather, {request.span: request for request in requests}, conversion.label)
    )


def raise_faults(requests: Sequence[SpanRequest]) -> None:
    """Tells what the pipeline of write_spans met.

    Raises:
        InputError: with the first fault of each span, for the first spans that have one.
    """
    faults = [_fault_file(request.folder) for request in requests]
    told = [fault.read_text(encoding="utf-8") for fault in faults if fault.is_file()]
    if told:
        more = [f"and {len(told) - _SHOWN_FAULTS} more spans that do not fit"] if len(told) > _SHOWN_FAULTS else []
        raise InputError("\n".join([*told[:_SHOWN_FAULTS], *more]))


def _clear(folder: Path) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(aside(folder), ignore_errors=True)
    _fault_file(folder).unlink(missing_ok=True)


def _fault_file(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.fault")


def _cut(file: tuple[SpanRequest, int], conversion: Conversion) -> Iterator[Any]:
    request, number = file
    for piece in cut(request, number, conversion):
        yield piece if isinstance(piece, Work) else beam.pvalue.TaggedOutput("ends", (request.span, piece))


def _available(blocks: Any, conversion: Conversion) -> dict[str, Any]:
    """Labelled rows by span, as a side input, where a sample has to know them."""
    if conversion.sample_rows is None:
        return {}
    counts = blocks | "Count" >> beam.Map(_count, conversion) | "Sum" >> beam.CombinePerKey(sum)
    return {"available": beam.pvalue.AsDict(counts)}


def _count(work: Work, conversion: Conversion) -> tuple[int, int]:
    return work.span, count_labelled(work, conversion)


def _convert(work: Work, conversion: Conversion, available: dict[int, int] | None = None) -> _Told:
    return work.span, convert_block(work, conversion, available[work.span] if available else None)


def _gather(told: tuple[int, Iterable[Outcome | CutFile]], requests: dict[int, SpanRequest], label: str) -> None:
    request, pieces = requests[told[0]], list(told[1])
    files = [piece for piece in pieces if isinstance(piece, CutFile)]
    outcomes = sorted((piece for piece in pieces if isinstance(piece, Outcome)), key=lambda outcome: outcome.place)
    if not outcomes:
        return  # every block was lost on the way: ExampleGen misses the span
    fault = next((outcome.fault for outcome in outcomes if outcome.fault), None)
    if fault is None and not any(outcome.labelled for outcome in outcomes):
        fault = f"{request.files[0].parent}: no row has a label in column '{label}'"
    if fault is None:
        rows = {outcome.place: outcome.rows for outcome in outcomes}
        if aside(request.folder).is_dir():  # else an attempt before this one has put it in its place
            write_precision(aside(request.folder), merged(outcome.precision for outcome in outcomes))
        unlabelled = sum(outcome.unlabelled for outcome in outcomes)
        gather(request.folder, rows, unlabelled, source_counts(request.files, files, outcomes))
        return
    # Runners turn a worker's exception into text of their own; a file carries the sentence whole.
    _fault_file(request.folder).write_text(fault, encoding="utf-8")
    shutil.rmtree(aside(request.folder), ignore_errors=True)
