"""The web example's server, asked as nobody's browser asks."""

import functools
import importlib.util
import socket
import struct
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

SERVE = Path(__file__).resolve().parents[2] / "examples" / "device" / "web" / "serve.py"


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Where the page and a bundle of one large file are served."""
    tmp_path = tmp_path_factory.mktemp("bundle")
    (tmp_path / "model.tflite").write_bytes(bytes(50_000_000))
    spec = importlib.util.spec_from_file_location("serve", SERVE)
    assert spec is not None
    assert spec.loader is not None
    serve: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(serve)
    with serve.Server((serve.ADDRESS, 0), functools.partial(serve.Handler, bundle=tmp_path)) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def ask(port: int, path: str, host: str | None) -> int:
    """The status of the answer to a request that says nothing but this."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
        named = "" if host is None else f"Host: {host}\r\n"
        client.sendall(f"HEAD {path} HTTP/1.1\r\n{named}Connection: close\r\n\r\n".encode())
        return int(client.makefile("rb").readline().split()[1])


@pytest.mark.parametrize(
    ("path", "host", "status"),
    [
        ("/", "127.0.0.1:{port}", 200),
        ("/", "localhost:{port}", 200),
        ("/bundle/model.tflite", "127.0.0.1:{port}", 200),
        ("/", "evil.example:{port}", 421),
        ("/bundle/model.tflite", "evil.example", 421),
        ("/", "127.0.0.1:1", 421),
        ("/", "127.0.0.1", 421),
        ("/", None, 421),
        ("/a%00b", "localhost:{port}", 400),
        ("/bundle/a%00b", "localhost:{port}", 400),
        ("/bundle/..%2f..%2fetc%2fpasswd", "localhost:{port}", 404),
        ("/" + "a" * 5000, "localhost:{port}", 404),
    ],
)
def test_only_this_machines_names_and_files_are_answered_and_nothing_is_a_traceback(
    port: int, path: str, host: str | None, status: int, capfd: pytest.CaptureFixture[str]
) -> None:
    assert ask(port, path, host and host.format(port=port)) == status
    assert "Traceback" not in capfd.readouterr().err


def test_a_browser_that_leaves_early_is_no_traceback(port: int, capfd: pytest.CaptureFixture[str]) -> None:
    client = socket.create_connection(("127.0.0.1", port))
    # So that it hangs up without having read what is there.
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.sendall(f"GET /bundle/model.tflite HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n".encode())
    client.recv(1000)
    client.close()
    time.sleep(0.3)
    assert "Traceback" not in capfd.readouterr().err
