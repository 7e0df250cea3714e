"""Raw spans to checked, transformed examples."""

import json
from dataclasses import dataclass
from typing import Any

from tfx.components import ExampleValidator
from tfx.proto import transform_pb2

from components.data.anomaly_gate import AnomalyGate
from components.data.example_gen import SpanConfig, make_example_gen
from components.data.schema_gen import ImportSchemaGen
from components.data.statistics_gen import SpanStatisticsGen
from components.data.transform import SpanTransform
from pipeline.config.pipeline_config import Config
from pipeline.stages.cache_scope import encoding_scope
from pipeline.stages.source_fingerprint import source_fingerprint


@dataclass(frozen=True)
class DataStage:
    """Channels of the data stage."""

    examples: Any
    schema: Any
    statistics: Any
    anomalies: Any
    transform: Any
    nodes: list[Any]


def stage(config: Config) -> DataStage:
    """ExampleGen, StatisticsGen, ImportSchemaGen, ExampleValidator, AnomalyGate, Transform."""
    source = source_fingerprint("components.data.example_gen")
    example_gen = make_example_gen(str(config.data), span_config(config), source).with_id("ExampleGen")
    examples = example_gen.outputs["examples"]
    schema_gen = ImportSchemaGen(schema_text=config.schema_text).with_id("ImportSchemaGen")
    schema = schema_gen.outputs["schema"]
    statistics_gen = SpanStatisticsGen(
        examples=examples,
        schema=schema,
        cache=str(config.cache),
        fingerprint=source_fingerprint("components.data.statistics_gen"),
    ).with_id("StatisticsGen")
    validator = ExampleValidator(statistics=statistics_gen.outputs["statistics"], schema=schema).with_id(
        "ExampleValidator"
    )
    gate = AnomalyGate(
        anomalies=validator.outputs["anomalies"],
        statistics=statistics_gen.outputs["statistics"],
        schema=schema,
        label=config.problem.label,
        label_values=json.dumps(config.problem.label_values),
        tolerate=json.dumps(config.problem.anomalies.tolerate),
        fingerprint=source_fingerprint("components.data.anomaly_gate"),
    ).with_id("AnomalyGate")
    transform = SpanTransform(
        examples=examples,
        schema=schema,
        preprocessing_fn="models.preprocessing.preprocessing.preprocessing_fn",
        splits_config=transform_pb2.SplitsConfig(analyze=["train"], transform=["train", "eval"]),
        disable_statistics=True,
        # The analysis is kept a shard by the executor; TFT has nothing to cache.
        disable_analyzer_cache=True,
        custom_config={
            "bound": encoding_scope(config.bound),
            "cache": str(config.cache),
            "fingerprint": source_fingerprint("models.preprocessing.preprocessing")
            + source_fingerprint("components.data.transform"),
        },
    ).with_id("Transform")
    transform.add_upstream_node(gate)
    nodes = [example_gen, schema_gen, statistics_gen, validator, gate, transform]
    return DataStage(
        examples=examples,
        schema=schema,
        statistics=statistics_gen,
        anomalies=validator.outputs["anomalies"],
        transform=transform,
        nodes=nodes,
    )


def span_config(config: Config) -> SpanConfig:
    """What the ExampleGen needs of the config."""
    return SpanConfig(
        pattern=config.problem.data.pattern,
        window=str(config.window),
        split=config.problem.split,
        label=config.problem.label,
        schema_text=config.schema_text,
        cache=str(config.cache),
        sample_rows=config.sample_rows,
        # Without a sample nothing is drawn, and another seed is no reason to convert anew.
        seed=0 if config.sample_rows is None else config.environment.training.seed,
        fingerprint=source_fingerprint("ingestion.spans"),
    )
