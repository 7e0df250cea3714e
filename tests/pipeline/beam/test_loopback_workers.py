"""Workers in this process for an engine of this machine: by Beam's own portable job server, which needs no Java."""

import os
import socket
from pathlib import Path

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.local_job_service import LocalJobServicer

from pipeline.beam.loopback_workers import LoopbackWorkers
from pipeline.beam.pipeline_options import engine_arguments
from pipeline.beam.workers import Workers
from pipeline.config.beam import Beam


def tell_process(number: int, folder: str) -> None:
    (Path(folder) / str(number)).write_text(str(os.getpid()), encoding="utf-8")


def test_an_engines_work_is_done_in_this_process_which_no_other_machine_reaches(tmp_path: Path) -> None:
    engine, own = LocalJobServicer(), LoopbackWorkers()
    port = engine.start_grpc_server(0)
    try:
        arguments = engine_arguments(Beam(runner="flink"), f"localhost:{port}", "job", Workers(), own.address())
        with beam.Pipeline(options=PipelineOptions(arguments)) as pipeline:
            _ = pipeline | beam.Create(range(3)) | beam.Map(tell_process, str(tmp_path))
        host, _, number = own.address().partition(":")
        assert reachable(host, int(number))
        assert not reachable("127.0.0.2", int(number))
    finally:
        own.close()
        engine.stop(timeout=0)
    told = {path.name: int(path.read_text(encoding="utf-8")) for path in tmp_path.iterdir()}
    assert told == dict.fromkeys("012", os.getpid())


def test_workers_that_nobody_asked_for_are_closed_too() -> None:
    own = LoopbackWorkers()
    own.close()
    host, _, number = own.address().partition(":")
    assert reachable(host, int(number))
    own.close()


def reachable(host: str, port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex((host, port)) == 0
