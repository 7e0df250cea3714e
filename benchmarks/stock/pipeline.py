"""TFX's own components for the same problem, wired as its template wires them."""

import re
from pathlib import Path
from typing import Any

from tfx import v1 as tfx
from tfx.proto import example_gen_pb2

from benchmarks.stock.coverage import check
from components.evaluation.eval_config import eval_config
from ingestion.splits import SPLITS
from pipeline.config.pipeline_config import Config
from pipeline.stages.cache_scope import encoding_scope, model_scope

# What Beam's direct runner comes to where it cannot download another runner: one worker in this process. Named, so
# that figures do not hang on a download; then TFX would pack its own source for every node unless told not to.
BEAM_ARGUMENTS = (
    "--runner=apache_beam.runners.portability.fn_api_runner.fn_runner.FnApiRunner",
    "--sdk_container_image=none",
)
_SPAN = re.compile(r"\{SPAN(:\d+)?\}")


def create_pipeline(config: Config) -> tfx.dsl.Pipeline:
    """The pipeline of `config` in stock TFX.

    Raises:
        InputError: if the problem is none that the stock preprocessing covers.
    """
    check(config)
    rows = _data(config)
    trainer = _trainer(config, rows)
    return tfx.dsl.Pipeline(
        pipeline_name=config.name,
        pipeline_root=str(config.output / "artifacts"),
        components=[*rows.values(), trainer, *_judged(config, rows, trainer)],
        metadata_connection_config=tfx.orchestration.metadata.sqlite_metadata_connection_config(
            str(config.output / "metadata.sqlite")
        ),
        beam_pipeline_args=list(BEAM_ARGUMENTS),
    )


def _data(config: Config) -> dict[str, Any]:
    example_gen = tfx.components.CsvExampleGen(
        input_base=str(config.data), input_config=_input(config), output_config=_output(config)
    )
    statistics_gen = tfx.components.StatisticsGen(examples=example_gen.outputs["examples"])
    schema_gen = tfx.components.ImportSchemaGen(schema_file=str(config.schema_file))
    validator = tfx.components.ExampleValidator(
        statistics=statistics_gen.outputs["statistics"], schema=schema_gen.outputs["schema"]
    )
    transform = tfx.components.Transform(
        examples=example_gen.outputs["examples"],
        schema=schema_gen.outputs["schema"],
        preprocessing_fn="benchmarks.stock.preprocessing.preprocessing_fn",
        custom_config={"bound": encoding_scope(config.bound)},
    )
    return {
        "examples": example_gen,
        "statistics": statistics_gen,
        "schema": schema_gen,
        "anomalies": validator,
        "transform": transform,
    }


def _input(config: Config) -> example_gen_pb2.Input:
    """All spans at once: CsvExampleGen itself takes one span, and a run of ours takes a window of them."""
    pattern = _SPAN.sub("*", config.problem.data.pattern)
    return example_gen_pb2.Input(splits=[example_gen_pb2.Input.Split(name="window", pattern=pattern)])


def _output(config: Config) -> example_gen_pb2.Output:
    split = config.problem.split
    buckets = zip(SPLITS, (split.train, split.eval, split.test), strict=True)
    return example_gen_pb2.Output(
        split_config=example_gen_pb2.SplitConfig(
            splits=[example_gen_pb2.SplitConfig.Split(name=name, hash_buckets=count) for name, count in buckets],
            partition_feature_name=split.key,
        )
    )


def _trainer(config: Config, rows: dict[str, Any]) -> Any:
    return tfx.components.Trainer(
        run_fn="benchmarks.stock.trainer.run_fn",
        examples=rows["transform"].outputs["transformed_examples"],
        transform_graph=rows["transform"].outputs["transform_graph"],
        schema=rows["schema"].outputs["schema"],
        train_args=tfx.proto.TrainArgs(splits=["train"]),
        eval_args=tfx.proto.EvalArgs(splits=["eval"]),
        custom_config={
            "bound": model_scope(config.bound),
            "training": config.environment.training.model_dump_json(),
        },
    )


def _judged(config: Config, rows: dict[str, Any], trainer: Any) -> list[Any]:
    baseline = tfx.dsl.Resolver(
        strategy_class=tfx.dsl.experimental.LatestBlessedModelStrategy,
        model=tfx.dsl.Channel(type=tfx.types.standard_artifacts.Model),
        model_blessing=tfx.dsl.Channel(type=tfx.types.standard_artifacts.ModelBlessing),
    ).with_id("latest_blessed_model_resolver")
    evaluator = tfx.components.Evaluator(
        examples=rows["examples"].outputs["examples"],
        model=trainer.outputs["model"],
        baseline_model=baseline.outputs["model"],
        example_splits=["test"],
        eval_config=judged_by(config),
        schema=rows["schema"].outputs["schema"],
    )
    pusher = tfx.components.Pusher(
        model=trainer.outputs["model"],
        model_blessing=evaluator.outputs["blessing"],
        push_destination=_destination(config.output / "pushed"),
    )
    return [baseline, evaluator, pusher]


def judged_by(config: Config) -> Any:
    """The EvalConfig without intervals: stock TFMA's are over rows at random, and each costs it 20 more evaluations."""
    evaluation = config.problem.evaluation.model_copy(update={"intervals": False})
    return eval_config(config.problem.model_copy(update={"evaluation": evaluation}))


def _destination(folder: Path) -> tfx.proto.PushDestination:
    return tfx.proto.PushDestination(filesystem=tfx.proto.PushDestination.Filesystem(base_directory=str(folder)))
