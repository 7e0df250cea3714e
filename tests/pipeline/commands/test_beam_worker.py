"""The pool of Beam workers, asked over gRPC as an engine asks: who reaches it, and what it does not run."""

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from apache_beam.portability.api import beam_fn_api_pb2, beam_fn_api_pb2_grpc, endpoints_pb2

from pipeline.beam.worker_pool import DEFAULT_HOST, WorkerPool, exposure, serve
from pipeline.beam.worker_request import is_loopback, refusal
from pipeline.commands.beam_worker import main
from schema.errors import InputError

EVERYWHERE = "0.0.0.0"  # noqa: S104 (what it means is tested)


@pytest.fixture
def pool() -> Iterator[tuple[WorkerPool, Any]]:
    """A pool at the loopback address, and a client of it."""
    server, running, port = serve("127.0.0.1", 0)
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield running, beam_fn_api_pb2_grpc.BeamFnExternalWorkerPoolStub(channel)
    server.stop(None)
    running.end_workers()


def request(worker_id: str = "1-1", control: str = "localhost:1", **others: str) -> Any:
    urls = {"control_endpoint": control, **others}
    described = {name: endpoints_pb2.ApiServiceDescriptor(url=url) for name, url in urls.items()}
    return beam_fn_api_pb2.StartWorkerRequest(worker_id=worker_id, **described)


def code(file: Path) -> str:
    """Text that ends the one it is pasted into, and writes a file."""
    return f'x"); open("{file}", "w"); ("'


@pytest.mark.parametrize("name", ["worker_id", "control", "logging_endpoint", "artifact_endpoint"])
def test_code_in_a_request_is_not_run(pool: tuple[WorkerPool, Any], tmp_path: Path, name: str) -> None:
    running, client = pool
    file = tmp_path / "written"
    answer = client.StartWorker(request(**{name: code(file)}))
    assert answer.error.startswith(name)
    assert repr(code(file)) in answer.error
    assert not running._worker_processes
    assert not file.exists()


def test_what_a_request_may_say_starts_a_worker(pool: tuple[WorkerPool, Any]) -> None:
    running, client = pool
    assert client.StartWorker(request(logging_endpoint="localhost:2")).error == ""
    (worker,) = running._worker_processes.values()
    assert 'SdkHarness("localhost:1",worker_id="1-1"' in str(worker.args)


def test_an_engine_elsewhere_is_refused_until_the_pool_is_widened(pool: tuple[WorkerPool, Any]) -> None:
    answer = pool[1].StartWorker(request(control="engine.example:8081"))
    assert answer.error.startswith("control_endpoint: expected an engine on this machine")
    assert refusal(request(control="engine.example:8081"), loopback_only=False) is None


@pytest.mark.parametrize("url", ["localhost:65535", "127.0.0.1:1", "[::1]:50000", "dns:///localhost:7", "127.0.0.2:9"])
def test_an_address_of_this_machine_is_one(url: str) -> None:
    assert refusal(request(control=url), loopback_only=True) is None


@pytest.mark.parametrize(
    "url", ["", "localhost", "localhost:0", "localhost:65536", "localhost:1\n", "a b:1", "unix:/x", "h:1;", "a" * 400]
)
def test_what_is_no_address_is_refused(url: str) -> None:
    told = refusal(request(control=url), loopback_only=False)
    assert told is not None
    assert told.startswith("control_endpoint: expected host:port")
    assert len(told) < 400


@pytest.mark.parametrize(("host", "own"), [("localhost", True), ("::1", True), (EVERYWHERE, False), ("a.b", False)])
def test_a_loopback_address_is_told_from_others(host: str, own: bool) -> None:
    assert is_loopback(host) is own


def test_a_port_that_is_taken_is_not_shared(pool: tuple[WorkerPool, Any]) -> None:
    del pool
    server, _, port = serve("127.0.0.1", 0)
    with pytest.raises(InputError, match=f"--port {port}: cannot listen there"):
        serve("127.0.0.1", port)
    server.stop(None)
    assert main(["--host", "203.0.113.7", "--port", "1"]) == 2


def test_by_default_no_other_address_of_this_machine_answers() -> None:
    server, _, port = serve(DEFAULT_HOST, 0)
    assert reachable("127.0.0.1", port)
    # The whole of 127.0.0.0/8 is this machine: what listens on all interfaces answers there too.
    assert not reachable("127.0.0.2", port)
    server.stop(None)


def test_a_widened_pool_is_reached_and_says_what_that_means() -> None:
    server, _, port = serve(EVERYWHERE, 0)
    assert reachable("127.0.0.2", port)
    server.stop(None)
    assert "whoever reaches this port has code run as this user" in str(exposure(EVERYWHERE))
    assert exposure(DEFAULT_HOST) is None


def reachable(host: str, port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex((host, port)) == 0
