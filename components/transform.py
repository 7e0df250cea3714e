"""Transform with a dataset a span, so that TFT's analyzer cache serves every window a span stands in."""

import json
import logging
import shutil
from pathlib import Path
from typing import Any

import apache_beam as beam
from tfx import types
from tfx.components import Transform
from tfx.components.transform import executor
from tfx.dsl.components.base import executor_spec
from tfx.proto import transform_pb2
from tfx.types import artifact_utils, standard_artifacts, standard_component_specs
from tfx.utils import proto_utils

from components.span_store import StoredSpan, read_spans
from models.materialize import transform_shard

_LOG = logging.getLogger(__name__)
_CACHE_FOLDER = "analyzers"


class Executor(executor.Executor):
    """TFX's executor for the analysis, on one Examples artifact a span; one pass a shard for the transformation.

    TFT keys its analyzer cache by the path of a dataset. A window's own artifact has a new path each month; a stored
    span keeps its path for as long as its content is the same. The stock executor would also build a Beam graph a span
    and split to transform, which costs seconds each before the first row.
    """

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Analyses and transforms; the outputs are laid out as the stock executor lays them for one artifact."""
        outputs = {key: artifacts[0] for key, artifacts in output_dict.items()}
        transformed = outputs[standard_component_specs.TRANSFORMED_EXAMPLES_KEY]
        examples = artifact_utils.get_single_instance(input_dict[standard_component_specs.EXAMPLES_KEY])
        cached = standard_component_specs.UPDATED_ANALYZER_CACHE_KEY in outputs
        cache = _cache_folder(exec_properties)
        splits = transform_pb2.SplitsConfig()
        proto_utils.json_to_proto(exec_properties[standard_component_specs.SPLITS_CONFIG_KEY], splits)
        super().Do(
            {**input_dict, **(_span_inputs(examples, cache) if cached else {})},
            {key: value for key, value in output_dict.items() if outputs[key] is not transformed},
            {**exec_properties, standard_component_specs.SPLITS_CONFIG_KEY: _analysis_only(splits)},
        )
        self._materialize(
            outputs[standard_component_specs.TRANSFORM_GRAPH_KEY].uri, Path(examples.uri), transformed, splits
        )
        if cached:
            _keep_cache(Path(outputs[standard_component_specs.UPDATED_ANALYZER_CACHE_KEY].uri), cache)

    def _materialize(self, graph: str, examples: Path, transformed: types.Artifact, splits: Any) -> None:
        jobs = [
            (graph, str(shard), str(Path(transformed.uri) / f"Split-{split}" / shard.name))
            for split in splits.transform
            for shard in sorted((examples / f"Split-{split}").glob("*.gz"))
        ]
        with self._make_beam_pipeline() as pipeline:
            _ = pipeline | beam.Create(jobs, reshuffle=False) | beam.MapTuple(transform_shard)
        transformed.split_names = artifact_utils.encode_split_names(list(splits.transform))


def _span_inputs(examples: types.Artifact, cache: Path) -> dict[str, list[types.Artifact]]:
    spans = read_spans(Path(examples.uri))
    inputs = {standard_component_specs.EXAMPLES_KEY: [_as_artifact(span, examples) for span in spans]}
    if cache.is_dir():
        inputs[standard_component_specs.ANALYZER_CACHE_KEY] = [_artifact(standard_artifacts.TransformCache, cache)]
    return inputs


def _analysis_only(splits: Any) -> str:
    text: str = proto_utils.proto_to_json(transform_pb2.SplitsConfig(analyze=splits.analyze))
    return text


def _cache_folder(exec_properties: dict[str, Any]) -> Path:
    custom = json.loads(exec_properties[standard_component_specs.CUSTOM_CONFIG_KEY])
    return Path(custom["cache"]) / _CACHE_FOLDER


def _artifact(kind: type[types.Artifact], folder: Path | str) -> types.Artifact:
    artifact = kind()
    artifact.uri = str(folder)
    return artifact


def _as_artifact(span: StoredSpan, window: types.Artifact) -> types.Artifact:
    artifact = _artifact(standard_artifacts.Examples, span.folder)
    artifact.split_names = window.split_names
    return artifact


def _keep_cache(updated: Path, cache: Path) -> None:
    """Lays what this run analysed where the next window reads it; TFX has merged what was there before into it."""
    if not updated.is_dir():
        _LOG.warning("TFT wrote no analyzer cache; the next window will analyse every span again")
        return
    cache.mkdir(parents=True, exist_ok=True)
    for entry in updated.iterdir():
        aside, before = cache / f".{entry.name}.partial", cache / f".{entry.name}.before"
        for leftover in (aside, before):
            shutil.rmtree(leftover, ignore_errors=True)
        shutil.copytree(entry, aside)
        if (cache / entry.name).exists():
            (cache / entry.name).rename(before)
        aside.rename(cache / entry.name)
        shutil.rmtree(before, ignore_errors=True)


class SpanTransform(Transform):
    """The standard Transform node with the executor above."""

    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)
