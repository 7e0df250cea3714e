"""Transform with a dataset a span, so that TFT's analyzer cache serves every window a span stands in."""

import json
import logging
import shutil
from pathlib import Path
from typing import Any

from tfx import types
from tfx.components import Transform
from tfx.components.transform import executor
from tfx.dsl.components.base import executor_spec
from tfx.types import artifact_utils, standard_artifacts, standard_component_specs

from components.span_store import StoredSpan, read_spans

_LOG = logging.getLogger(__name__)
_CACHE_FOLDER = "analyzers"


class Executor(executor.Executor):
    """TFX's executor on one Examples artifact a span, with the analyzer cache kept beside the span store.

    TFT keys its cache by the path of a dataset. A window's own artifact has a new path each month; a stored span keeps
    its path for as long as its content is the same.
    """

    def Do(  # noqa: N802 (TFX's name)
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Analyses and transforms; the outputs are laid out as the stock executor lays them for one artifact."""
        examples = artifact_utils.get_single_instance(input_dict[standard_component_specs.EXAMPLES_KEY])
        transformed = artifact_utils.get_single_instance(
            output_dict[standard_component_specs.TRANSFORMED_EXAMPLES_KEY]
        )
        updated = output_dict[standard_component_specs.UPDATED_ANALYZER_CACHE_KEY][0]
        spans = read_spans(Path(examples.uri))
        cache = _cache_folder(exec_properties)
        per_span = {**input_dict, standard_component_specs.EXAMPLES_KEY: [_as_artifact(s, examples) for s in spans]}
        if cache.is_dir():
            per_span[standard_component_specs.ANALYZER_CACHE_KEY] = [_artifact(standard_artifacts.TransformCache, cache)]
        # A copy: the stock executor puts one output artifact a span into the dictionary it is given.
        super().Do(per_span, dict(output_dict), exec_properties)
        _gather(Path(transformed.uri), spans)
        transformed.split_names = examples.split_names
        _keep_cache(Path(updated.uri), cache)


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


def _gather(transformed: Path, spans: list[StoredSpan]) -> None:
    """Moves `<i>/Split-x/<shard>` of every span to `Split-x/<span>-<shard>`."""
    if len(spans) == 1:
        return
    for place, span in enumerate(spans):
        for shard in sorted((transformed / str(place)).glob("Split-*/*")):
            target = transformed / shard.parent.name / f"{span.name}-{shard.name}"
            target.parent.mkdir(parents=True, exist_ok=True)
            shard.rename(target)
        shutil.rmtree(transformed / str(place), ignore_errors=True)


def _keep_cache(updated: Path, cache: Path) -> None:
    """Adds what this run analysed to the cache that the next window reads."""
    if not updated.is_dir():
        _LOG.warning("TFT wrote no analyzer cache; the next window will analyse every span again")
        return
    for entry in updated.iterdir():
        if not (cache / entry.name).exists():
            aside = cache / f".{entry.name}.partial"
            shutil.rmtree(aside, ignore_errors=True)
            shutil.copytree(entry, aside)
            aside.rename(cache / entry.name)


class SpanTransform(Transform):
    """The standard Transform node with the executor above."""

    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)
