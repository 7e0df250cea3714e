"""Beam's direct runner on paths that do not lose elements.

Upstream: `TimeBasedBufferingClosableOutputStream` of apache_beam 2.77 (`runners/worker/data_plane.py`). Its timer
thread takes what is buffered and then clears the buffer, while the worker writes to the same buffer without a lock:
what is written in between is gone, without an error. docs/upstream/beam_lost_elements.md has a program that shows it.
Beam's direct runner has this timer, and no option for it, wherever its workers speak gRPC: threads in both directions,
processes in the direction of the worker. Workers of Flink, Spark and Dataflow have none unless an experiment asks.

Remove when `tests/pipeline/beam/test_lossless_runner.py::test_beam_alone_still_loses_elements` fails.
"""

import threading
from typing import Any
from weakref import WeakKeyDictionary

import grpc
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.portability import python_urns
from apache_beam.portability.api import beam_fn_api_pb2_grpc, beam_runner_api_pb2, endpoints_pb2
from apache_beam.runners.portability.fn_api_runner.fn_runner import FnApiRunner
from apache_beam.runners.portability.fn_api_runner.worker_handlers import (
    GrpcServer,
    SubprocessSdkWorkerHandler,
    WorkerHandler,
)
from apache_beam.runners.worker.data_plane import BeamFnDataServicer
from apache_beam.utils import thread_pool_executor

_PROCESS_URN = "tfx_scalable_pipeline:env:process:v1"

# By size alone.
_NO_TIMER = 0
# As the runner's own server has them: the buffer bounds a message, and a worker that pings often is not hung up on.
_SERVER_OPTIONS = [
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.http2.max_ping_strikes", 0),
    ("grpc.http2.min_ping_interval_without_data_ms", 20_000),
]

# Workers in memory are chosen by one counter of the process. Two pipelines at once would take turns in it, and two
# bundles of one pipeline could meet in one worker, whose channel is a plain list.
_ONE_PIPELINE = threading.Lock()

# Beam's choice of workers, and ours. Threads that speak gRPC become as many workers in memory: the same bundles, run by
# the same threads of the runner, without a channel between them.
_ENVIRONMENTS = {
    python_urns.EMBEDDED_PYTHON_GRPC: python_urns.EMBEDDED_PYTHON,
    python_urns.SUBPROCESS_SDK: _PROCESS_URN,
}


class LosslessRunner(FnApiRunner):
    """Takes Beam's options `direct_running_mode` and `direct_num_workers` as Beam's own direct runner does."""

    def run_via_runner_api(self, pipeline_proto: beam_runner_api_pb2.Pipeline, options: PipelineOptions) -> Any:
        """Runs the pipeline to its end, in workers whose channels have no timer.

        Args:
            pipeline_proto: the pipeline; its environments are replaced.
            options: Beam's options.
        """
        for environment in pipeline_proto.components.environments.values():
            environment.urn = _ENVIRONMENTS.get(environment.urn, environment.urn)
        with _ONE_PIPELINE:
            return super().run_via_runner_api(pipeline_proto, options)


class _DataServer:
    """What workers of one pipeline send their data to, and get them from. Beam names one address to all of them."""

    def __init__(self) -> None:
        self.servicer = BeamFnDataServicer(_NO_TIMER)
        self._server = grpc.server(thread_pool_executor.shared_unbounded_instance(), options=_SERVER_OPTIONS)
        self.port = self._server.add_insecure_port("localhost:0")
        beam_fn_api_pb2_grpc.add_BeamFnDataServicer_to_server(self.servicer, self._server)
        self._server.start()
        self._workers = 0

    def join(self) -> None:
        """Counts a worker in."""
        self._workers += 1

    def leave(self) -> None:
        """Counts a worker out; the last one ends the server."""
        self._workers -= 1
        if not self._workers:
            self._server.stop(grace=None).wait()


# By the runner's own server, of which each pipeline has one.
_DATA_SERVERS: WeakKeyDictionary[GrpcServer, _DataServer] = WeakKeyDictionary()


@WorkerHandler.register_environment(_PROCESS_URN, bytes)
class ProcessWorkerHandler(SubprocessSdkWorkerHandler):
    """A worker process whose data do not come through the runner's own server, which has the timer."""

    def __init__(self, command: bytes, state: Any, provision_info: Any, grpc_server: GrpcServer) -> None:
        super().__init__(command, state, provision_info, grpc_server)
        if grpc_server not in _DATA_SERVERS:
            _DATA_SERVERS[grpc_server] = _DataServer()
        self._data_server = _DATA_SERVERS[grpc_server]
        self._data_server.join()
        self.data_conn = self._data_server.servicer.get_conn_by_worker_id(self.worker_id)

    def data_api_service_descriptor(self) -> endpoints_pb2.ApiServiceDescriptor:
        """The address of the data server."""
        return endpoints_pb2.ApiServiceDescriptor(url=self.port_from_worker(self._data_server.port))

    def close(self) -> None:
        """Ends the worker, then its part in the server."""
        super().close()
        self._data_server.leave()
