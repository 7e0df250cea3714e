"""TFX's Evaluator with an executor that evaluates whole columns."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tensorflow_metadata.proto.v0 import schema_pb2
from tensorflow_model_analysis.api import model_eval_lib
from tensorflow_model_analysis.metrics import metric_specs
from tensorflow_model_analysis.proto import config_pb2
from tensorflow_model_analysis.utils import config_util
from tfx import types
from tfx.components import Evaluator
from tfx.components.evaluator import constants
from tfx.dsl.components.base import base_beam_component, base_beam_executor, executor_spec
from tfx.types import artifact_utils, component_spec, standard_artifacts, standard_component_specs
from tfx.utils import io_utils, json_utils, path_utils, proto_utils

from components.data.example_rows import FIX, shard_rows
from components.evaluation.evaluation_counts import evaluation_counts
from evaluation.analysis import evaluate
from evaluation.rows_seen import take_rows_seen
from reports.artifacts.evaluation import load_slices
from schema.errors import InputError
from schema.row_ledger import require_equal, write_counts

Artifacts = dict[str, list[types.Artifact]]

FINGERPRINT = "fingerprint"
SPLIT_KEY = "split_key"
_REFUSED = (
    standard_component_specs.MODULE_FILE_KEY,
    standard_component_specs.MODULE_PATH_KEY,
    standard_component_specs.FEATURE_SLICING_SPEC_KEY,
)


class Executor(base_beam_executor.BaseBeamExecutor):
    """Evaluates candidate and baseline as TFX's executor does, with TFMA's metrics, files and blessing."""

    def Do(self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]) -> None:
        """Writes the evaluation and, if the config has a bound, the blessing.

        Raises:
            InputError: for user code, a config that has no vector form, or an absent input.
            RowCountError: if rows of a shard, a model or a slice are missing.
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        config = _config(input_dict, exec_properties)
        output = artifact_utils.get_single_uri(output_dict[standard_component_specs.EVALUATION_KEY])
        with self._make_beam_pipeline() as pipeline:
            evaluate(
                pipeline,
                _shards(input_dict, exec_properties),
                config,
                {spec.name: _model_folder(spec, input_dict) for spec in config.model_specs},
                _schema(input_dict),
                Path(output),
                split_key=exec_properties.get(SPLIT_KEY) or None,
            )
        require_whole(Path(output), _shard_rows(input_dict, exec_properties))
        # Where nothing is held to a bound there is nothing to bless by: no blessing, as with TFX's executor.
        if metric_specs.metric_thresholds_from_metrics_specs(config.metrics_specs, eval_config=config):
            verdict = model_eval_lib.load_validation_result(output).validation_ok
            _bless(artifact_utils.get_single_instance(output_dict[standard_component_specs.BLESSING_KEY]), verdict)
            _name_models(output_dict, input_dict, exec_properties)


def _config(input_dict: Artifacts, exec_properties: dict[str, Any]) -> config_pb2.EvalConfig:
    for key in _REFUSED:
        if exec_properties.get(key):
            raise InputError(f"Evaluator: '{key}' is not supported. Received: {exec_properties[key]}")
    given = proto_utils.json_to_proto(
        exec_properties[standard_component_specs.EVAL_CONFIG_KEY], config_pb2.EvalConfig()
    )
    has_baseline = bool(input_dict.get(standard_component_specs.BASELINE_MODEL_KEY))
    # A first model has no baseline; the bounds on changes go, as TFX's executor has it.
    config = config_util.update_eval_config_with_defaults(given, has_baseline=has_baseline, rubber_stamp=True)
    config_util.verify_eval_config(config)
    return config


def _model_folder(spec: config_pb2.ModelSpec, input_dict: Artifacts) -> Path:
    key = standard_component_specs.BASELINE_MODEL_KEY if spec.is_baseline else standard_component_specs.MODEL_KEY
    model = artifact_utils.get_single_instance(input_dict[key])
    return Path(path_utils.serving_model_path(model.uri, path_utils.is_old_model_artifact(model)))


def _schema(input_dict: Artifacts) -> schema_pb2.Schema:
    if not input_dict.get(standard_component_specs.SCHEMA_KEY):
        raise InputError("Evaluator: expected an input 'schema', which says how labels and slices are read")
    folder = artifact_utils.get_single_uri(input_dict[standard_component_specs.SCHEMA_KEY])
    return io_utils.SchemaReader().read(io_utils.get_only_uri_in_dir(folder))


def _shards(input_dict: Artifacts, exec_properties: dict[str, Any]) -> list[Path]:
    examples = input_dict[standard_component_specs.EXAMPLES_KEY]
    folders = [
        Path(uri) for split in _splits(exec_properties) for uri in artifact_utils.get_split_uris(examples, split)
    ]
    return [shard for folder in folders for shard in sorted(folder.iterdir()) if shard.is_file()]


def _splits(exec_properties: dict[str, Any]) -> list[str]:
    asked: list[str] = json_utils.loads(exec_properties.get(standard_component_specs.EXAMPLE_SPLITS_KEY) or "null")
    return asked or ["eval"]


def _shard_rows(input_dict: Artifacts, exec_properties: dict[str, Any]) -> dict[str, dict[str, int]]:
    examples = artifact_utils.get_single_uri(input_dict[standard_component_specs.EXAMPLES_KEY])
    return shard_rows(Path(examples), *_splits(exec_properties))


def require_whole(evaluation: Path, shards: Mapping[str, Mapping[str, int]]) -> None:
    """Counts the rows of an evaluation and leaves the counts beside it.

    Args:
        evaluation: folder of the evaluation.
        shards: rows in Examples by shard, by split.

    Raises:
        RowCountError: if rows of a shard, a model or a slice are missing.
    """
    seen = take_rows_seen(evaluation)
    counts = evaluation_counts(load_slices(evaluation), seen.shards, seen.without, shards)
    require_equal("Evaluator", counts, FIX)
    write_counts(counts, evaluation)


def _bless(blessing: types.Artifact, verdict: bool) -> None:
    name = constants.BLESSED_FILE_NAME if verdict else constants.NOT_BLESSED_FILE_NAME
    value = constants.BLESSED_VALUE if verdict else constants.NOT_BLESSED_VALUE
    io_utils.write_string_file(str(Path(blessing.uri) / name), "")
    blessing.set_int_custom_property(constants.ARTIFACT_PROPERTY_BLESSED_KEY, value)


def _name_models(output_dict: Artifacts, input_dict: Artifacts, exec_properties: dict[str, Any]) -> None:
    """Says in the blessing whose it is and against which baseline; resolvers look there."""
    blessing = artifact_utils.get_single_instance(output_dict[standard_component_specs.BLESSING_KEY])
    model = artifact_utils.get_single_instance(input_dict[standard_component_specs.MODEL_KEY])
    blessing.set_string_custom_property(constants.ARTIFACT_PROPERTY_CURRENT_MODEL_URI_KEY, model.uri)
    blessing.set_int_custom_property(constants.ARTIFACT_PROPERTY_CURRENT_MODEL_ID_KEY, model.id)
    for baseline in input_dict.get(standard_component_specs.BASELINE_MODEL_KEY, []):
        blessing.set_string_custom_property(constants.ARTIFACT_PROPERTY_BASELINE_MODEL_URI_KEY, baseline.uri)
        blessing.set_int_custom_property(constants.ARTIFACT_PROPERTY_BASELINE_MODEL_ID_KEY, baseline.id)
    if "current_component_id" in exec_properties:
        blessing.set_string_custom_property("component_id", exec_properties["current_component_id"])


class _Spec(standard_component_specs.EvaluatorSpec):
    """TFX's parameters, the split key that intervals are taken over, and a digest of our source for TFX's cache."""

    PARAMETERS = {  # noqa: RUF012 (TFX declares it so)
        **standard_component_specs.EvaluatorSpec.PARAMETERS,
        FINGERPRINT: component_spec.ExecutionParameter(type=str),
        SPLIT_KEY: component_spec.ExecutionParameter(type=str, optional=True),
    }


class ColumnEvaluator(Evaluator):
    """The standard Evaluator node with the executor above."""

    SPEC_CLASS = _Spec
    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)

    def __init__(
        self,
        *,
        examples: Any,
        model: Any,
        baseline_model: Any,
        schema: Any,
        example_splits: list[str],
        eval_config: config_pb2.EvalConfig,
        fingerprint: str,
        split_key: str | None,
    ) -> None:
        """Wires channels as TFX's constructor does, which takes no parameter of ours.

        Args:
            examples: channel of Examples.
            model: channel of the candidate.
            baseline_model: channel of at most one model.
            schema: channel of the examples' schema.
            example_splits: splits that are evaluated together.
            eval_config: TFMA's config; see evaluation.supported for what it may hold.
            fingerprint: of this node's source, so that an edited metric is not served from TFX's cache.
            split_key: feature of the examples whose equal values are left out together for confidence intervals; None
                for row by row.
        """
        spec = _Spec(
            examples=examples,
            model=model,
            baseline_model=baseline_model,
            schema=schema,
            example_splits=json_utils.dumps(example_splits),
            eval_config=eval_config,
            fingerprint=fingerprint,
            split_key=split_key,
            evaluation=types.Channel(type=standard_artifacts.ModelEvaluation),
            blessing=types.Channel(type=standard_artifacts.ModelBlessing),
        )
        base_beam_component.BaseBeamComponent.__init__(self, spec=spec)
