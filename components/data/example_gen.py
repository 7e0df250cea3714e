"""ExampleGen over a window of spans: each span is converted once, whatever windows it later stands in."""

import hashlib
import json
import logging
import shutil
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from tfx import types
from tfx.components.example_gen import driver, input_processor
from tfx.components.example_gen.component import FileBasedExampleGen
from tfx.dsl.components.base import base_beam_executor, executor_spec
from tfx.proto import example_gen_pb2, range_config_pb2
from tfx.types import artifact_utils, standard_component_specs

from components.data.span_store import StoredSpan, link_spans, span_name
from ingestion.block import BLOCK_BYTES
from ingestion.conversion import Conversion, SpanRequest
from ingestion.shards import ROWS_FILE
from ingestion.span_checksums import span_faults
from ingestion.spans import raise_faults, write_spans
from ingestion.splits import SPLITS
from ingestion.windows import Window, fingerprint, parse_window, select
from schema.closed import Closed
from schema.errors import InputError, RowCountError
from schema.first_few import first_few
from schema.notices import notify
from schema.precision import merged, read_precision, write_precision
from schema.problem import Split
from schema.row_ledger import SOURCE, RowCount, read_counts, require_equal, write_counts

_LOG = logging.getLogger(__name__)
_FIX = (
    "The spans in question are removed from the cache: run again, and they are converted anew. If the same numbers "
    "come again, look at the quotes and line ends of the file."
)
_NAMED = 4


class SpanConfig(Closed):
    """What the driver and the executor need beside the standard properties."""

    pattern: str
    window: str
    split: Split
    label: str
    schema_text: str
    cache: str
    sample_rows: int | None
    seed: int
    fingerprint: str
    block_bytes: int = BLOCK_BYTES

    def conversion(self, spans: int) -> Conversion:
        """How each of so many spans is converted; a sample is shared out among them."""
        rows = None if self.sample_rows is None else -(-self.sample_rows // spans)
        return Conversion(self.schema_text, self.label, self.split, rows, self.seed, self.block_bytes)

    def folder(self, span: int, files: tuple[Path, ...], rows: int | None) -> Path:
        """The span's place in the store, with `rows` of it as a sample."""
        return Path(self.cache) / "spans" / f"{span:02d}-{self.digest(files, span)}-{rows or 'all'}"

    def digest(self, files: tuple[Path, ...], span: int) -> str:
        """Identity of one converted span: its files' content and all that shapes the conversion."""
        shape = self.model_dump(mode="json", exclude={"window", "cache", "pattern"})
        return hashlib.sha256(json.dumps([shape, span, fingerprint(files)], sort_keys=True).encode()).hexdigest()[:20]


class WindowProcessor(input_processor.FileBasedInputProcessor):
    """Fingerprints the whole window, where TFX's own looks at the newest span alone."""

    def __init__(self, base: str, splits: Any, range_config: Any, pattern: str, window: Window) -> None:
        self._window_spans = select(Path(base), pattern, window)
        newest = max(self._window_spans)
        newest_only = range_config_pb2.RangeConfig(
            static_range=range_config_pb2.StaticRange(start_span_number=newest, end_span_number=newest)
        )
        super().__init__(base, splits, range_config or newest_only)

    def get_input_fingerprint(self, span: int, version: int | None) -> str:
        """Digest of every file in the window."""
        return ",".join(f"{number}:{fingerprint(files)}" for number, files in self._window_spans.items())


class WindowDriver(driver.FileBasedDriver):
    """TFX's file-based driver with the window's fingerprint, so that any changed span is a changed input."""

    _config: SpanConfig

    def resolve_exec_properties(self, exec_properties: dict[str, Any], *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Resolves span, version and fingerprint."""
        self._config = span_config(exec_properties)
        resolved: dict[str, Any] = super().resolve_exec_properties(exec_properties, *args, **kwargs)
        return resolved

    def get_input_processor(
        self, splits: Iterable[Any], range_config: Any = None, input_base_uri: str | None = None
    ) -> WindowProcessor:
        """The processor of the configured window."""
        window = parse_window(self._config.window)
        return WindowProcessor(input_base_uri or "", splits, range_config, self._config.pattern, window)


class Executor(base_beam_executor.BaseBeamExecutor):
    """Converts the spans that are not in the store yet, then lays the window into one Examples artifact."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Writes the `examples` artifact: splits train, eval and test, a shard for each block that has rows of it."""
        config = span_config(exec_properties)
        base = Path(exec_properties[standard_component_specs.INPUT_BASE_KEY])
        spans = select(base, config.pattern, parse_window(config.window))
        artifact = artifact_utils.get_single_instance(output_dict[standard_component_specs.EXAMPLES_KEY])
        conversion = config.conversion(len(spans))
        requests = [
            SpanRequest(span, files, config.folder(span, files, conversion.sample_rows))
            for span, files in spans.items()
        ]
        self._convert(requests, conversion)
        counts = [count for request in requests for count in checked_counts(request)]
        stored = [_stored(request) for request in requests]
        check_splits(stored, config.split)
        link_spans(stored, Path(artifact.uri), SPLITS)
        write_counts(counts, Path(artifact.uri))
        write_precision(Path(artifact.uri), merged(read_precision(request.folder) for request in requests))
        artifact.split_names = artifact_utils.encode_split_names(list(SPLITS))

    def _convert(self, requests: list[SpanRequest], conversion: Conversion) -> None:
        missing = [request for request in requests if not _is_stored(request)]
        _LOG.info("%d of %d spans to convert", len(missing), len(requests))
        if missing:
            with self._make_beam_pipeline() as pipeline:
                write_spans(pipeline, missing, conversion)
            raise_faults(missing)


def _is_stored(request: SpanRequest) -> bool:
    """Whether the span is in the store; one that is damaged is announced and removed."""
    if not request.folder.is_dir():
        return False
    faults = list(span_faults(request.folder))
    if faults:
        source = request.files[0].parent
        notify(f"{request.folder}: damaged: {first_few(faults, _NAMED)}; it is made anew from {source}")
        shutil.rmtree(request.folder)
    return not faults


def check_splits(spans: Iterable[StoredSpan], split: Split) -> None:
    """Refuses a window in which a split has no row: nothing could be learnt from it, or judged on it.

    Raises:
        InputError: naming the split.
    """
    rows = [span.rows for span in spans]
    for name in SPLITS:
        if not any(counted[name] for counted in rows):
            share = f"split.{name}={getattr(split, name)} of {split.train + split.eval + split.test} buckets"
            few = f"values of '{split.key}'" if split.key else "rows"
            raise InputError(
                f"split '{name}': no rows in this window, whose {few} are too few for {share}. "
                "Widen --span-window, or give the split more buckets."
            )


def checked_counts(request: SpanRequest) -> list[RowCount]:
    """Row counts of a span in the store, in the names that the Examples artifact has for its shards.

    Raises:
        RowCountError: if rows of its files are missing; the span is then in the store no more.
    """
    name = span_name(request.span)
    if not (request.folder / ROWS_FILE).is_file():
        lost = RowCount(SOURCE, 0, len(request.files), "to convert", span=name, unit="files")
        require_equal("ExampleGen", [lost], _FIX)
    counts = [replace(count, span=name) for count in read_counts(request.folder)]
    try:
        require_equal("ExampleGen", counts, _FIX)
    except RowCountError:
        shutil.rmtree(request.folder)
        raise
    return [replace(count, file=f"{name}-{count.file}") if count.split else count for count in counts]


def _stored(request: SpanRequest) -> StoredSpan:
    rows = json.loads((request.folder / ROWS_FILE).read_text(encoding="utf-8"))
    return StoredSpan(request.span, str(request.folder), rows)


def span_config(exec_properties: dict[str, Any]) -> SpanConfig:
    """The SpanConfig in the node's custom_config."""
    custom = json.loads(exec_properties[standard_component_specs.CUSTOM_CONFIG_KEY])
    return SpanConfig.model_validate_json(custom["span_config"])


class SpanExampleGen(FileBasedExampleGen):
    """A file-based ExampleGen whose one Examples artifact holds a window of spans."""

    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)
    DRIVER_CLASS = WindowDriver


def make_example_gen(input_base: str, config: SpanConfig, fingerprint: str) -> SpanExampleGen:
    """The node; its standard `input_config` names the {SPAN} pattern, so that TFX's own driver can resolve it too.

    Args:
        input_base: folder of the spans.
        config: what is converted, and how; the digest of a stored span covers it.
        fingerprint: of this node's source, for TFX's cache.
    """
    return SpanExampleGen(
        input_base=input_base,
        input_config=example_gen_pb2.Input(splits=[example_gen_pb2.Input.Split(name="window", pattern=config.pattern)]),
        output_config=_output_config(config.split),
        custom_config={"span_config": config.model_dump_json(), "fingerprint": fingerprint},
    )


def _output_config(split: Split) -> example_gen_pb2.Output:
    buckets = zip(SPLITS, (split.train, split.eval, split.test), strict=True)
    return example_gen_pb2.Output(
        split_config=example_gen_pb2.SplitConfig(
            splits=[example_gen_pb2.SplitConfig.Split(name=name, hash_buckets=count) for name, count in buckets],
            # None leaves it unset: TFX looks for a feature of whatever name is set, an empty one too.
            partition_feature_name=split.key,
        )
    )
