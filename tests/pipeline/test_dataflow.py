"""Dataflow, as far as it goes without a cloud: its options, and that it takes the graph of a Beam node."""

from pathlib import Path

import pytest
from apache_beam import Pipeline
from apache_beam.options.pipeline_options import GoogleCloudOptions, PipelineOptions, WorkerOptions
from apache_beam.runners.dataflow.dataflow_runner import DataflowRunner

from components.data.example_gen import SpanConfig
from ingestion.conversion import SpanRequest
from ingestion.spans import write_spans
from pipeline.beam.pipeline_options import dataflow_arguments, graph_arguments
from pipeline.config.beam import Beam, Dataflow
from pipeline.config.environment import Environment
from pipeline.config.pipeline_config import load_config
from pipeline.local.preflight import check_engine
from pipeline.stages.data import span_config
from schema.errors import InputError
from tests.crops import PROBLEMS, write_crops

SECTION = Dataflow(
    project="a-project", region="europe-west1", temp_location="gs://bucket/temp", image="example.com/flights:1"
)


def test_the_options_are_those_that_dataflow_knows() -> None:
    options = PipelineOptions(dataflow_arguments(SECTION, 7), save_main_session=False)
    assert options.view_as(GoogleCloudOptions).region == "europe-west1"
    assert options.view_as(GoogleCloudOptions).temp_location == "gs://bucket/temp"
    assert options.view_as(WorkerOptions).max_num_workers == 7
    assert options.view_as(WorkerOptions).sdk_container_image == "example.com/flights:1"


def test_a_graph_for_vertex_is_told_of_dataflow() -> None:
    environment = Environment(name="v", orchestrator="vertex", beam=Beam(runner="dataflow", dataflow=SECTION))
    assert graph_arguments(environment) == dataflow_arguments(SECTION, None)


def test_a_local_run_refuses_dataflow_before_it_begins() -> None:
    with pytest.raises(InputError, match="Dataflow's workers see no folder of this machine"):
        check_engine(Beam(runner="dataflow", dataflow=SECTION))


def test_dataflow_takes_the_graph_of_example_gen(tmp_path: Path) -> None:
    data = write_crops(tmp_path, range(2019, 2020), 10)
    config: SpanConfig = span_config(load_config(str(PROBLEMS / "crops"), data=str(data)))
    files = tuple(data.glob("*.csv"))
    request = SpanRequest(2019, files, config.folder(2019, files, None))
    # A dry run makes the job that would be sent, and checks what Dataflow asks of a graph.
    options = PipelineOptions([*dataflow_arguments(SECTION, 2), "--dry_run=True", "--job_name=test"])
    with Pipeline(runner=DataflowRunner(), options=options) as pipeline:
        write_spans(pipeline, [request], config.conversion(1))
    environments = pipeline.result.job.proto_pipeline.components.environments
    images = {environment.payload for environment in environments.values()}
    assert any(b"example.com/flights:1" in payload for payload in images)
