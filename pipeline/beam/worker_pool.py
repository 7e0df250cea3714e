"""A pool of Python workers that an engine, Flink or Spark, asks for at a port.

Nobody is asked who they are: a worker runs the code that its engine sends. So a pool listens to this machine alone
unless it is told otherwise, and must then stand in a network that only the engine's machines reach.
"""

import logging
from typing import Any

import grpc
from apache_beam.portability.api import beam_fn_api_pb2, beam_fn_api_pb2_grpc
from apache_beam.runners.worker.worker_pool_main import BeamFnExternalWorkerPoolServicer, kill_process_gracefully
from apache_beam.utils import thread_pool_executor

from pipeline.beam.worker_request import is_loopback, refusal
from schema.errors import InputError

DEFAULT_HOST = "127.0.0.1"
# Of --max_cache_memory_usage_mb, 100 where nobody sets it.
_STATE_CACHE_BYTES = 100 << 20
_OPTIONS = (
    # As Beam's own pool: engines ping while they wait.
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.http2.max_ping_strikes", 0),
    # Otherwise a second pool, or anybody's, shares the port in silence, and each gets some of the requests.
    ("grpc.so_reuseport", 0),
)
_LOG = logging.getLogger(__name__)


class WorkerPool(BeamFnExternalWorkerPoolServicer):
    """Beam's pool, for engines of which several share a machine; it looks at a request before it acts on it.

    Args:
        loopback_only: see worker_request.refusal.
        use_process: whether a worker is a process of its own, not a thread of this one.
    """

    def __init__(self, *, loopback_only: bool, use_process: bool = True) -> None:
        # The limit of -1 as Beam's `start` has it: workers send by size, and by no timer. A process has no cache of
        # state, as by `start`; a thread has Beam's default.
        cache = 0 if use_process else _STATE_CACHE_BYTES
        super().__init__(use_process=use_process, state_cache_size=cache, data_buffer_time_limit_ms=-1)
        self._loopback_only = loopback_only

    def StartWorker(self, start_worker_request: Any, unused_context: Any) -> Any:  # noqa: N802 (gRPC names it so)
        """Starts a worker, or answers with the reason why not."""
        reason = refusal(start_worker_request, loopback_only=self._loopback_only)
        if reason is None:
            return super().StartWorker(start_worker_request, unused_context)
        _LOG.warning("no worker started: %s", reason)
        return beam_fn_api_pb2.StartWorkerResponse(error=reason)

    def StopWorker(self, stop_worker_request: Any, unused_context: Any) -> Any:  # noqa: N802, ARG002 (gRPC names it so)
        """Leaves the worker alone, which ends by itself when its engine hangs up.

        The name says not which worker is meant: each engine calls its first one `1-1`, and one would end another's.
        """
        return beam_fn_api_pb2.StopWorkerResponse()

    def end_workers(self) -> None:
        """Ends the workers that still run."""
        for process in self._worker_processes.values():
            kill_process_gracefully(process)


def serve(host: str, port: int, *, use_process: bool = True) -> tuple[grpc.Server, WorkerPool, int]:
    """Listens for engines.

    Args:
        host: address to listen at; any but a loopback address lets other machines in.
        port: 0 for a free one.
        use_process: see WorkerPool.

    Returns:
        The server, the pool behind it, and its port.

    Raises:
        InputError: if it cannot listen there.
    """
    server = grpc.server(thread_pool_executor.shared_unbounded_instance(), options=_OPTIONS)
    bracketed = f"[{host}]" if ":" in host else host
    try:
        bound = server.add_insecure_port(f"{bracketed}:{port}")
    except RuntimeError as error:
        raise InputError(
            f"--host {host} --port {port}: cannot listen there ({error}). Is the address one of this machine's, and "
            "the port free?"
        ) from None
    pool = WorkerPool(loopback_only=is_loopback(host), use_process=use_process)
    beam_fn_api_pb2_grpc.add_BeamFnExternalWorkerPoolServicer_to_server(pool, server)
    server.start()
    return server, pool, bound


def exposure(host: str) -> str | None:
    """What to know of a pool that listens at this address; None where other machines do not reach it."""
    if is_loopback(host):
        return None
    return (
        f"--host {host}: whoever reaches this port has code run as this user. Let only the engine's machines reach it "
        "(firewall, NetworkPolicy)"
    )
