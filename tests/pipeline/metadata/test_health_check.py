"""The probe tells a server from a door that is shut, mute, or somebody else's."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from pipeline.metadata.health_check import probe
from tests.pipeline.database_server import free_port


@contextmanager
def listening(says: bytes | None, hears: int) -> Iterator[int]:
    """A port that hears so many bytes of whoever comes, says this and hangs up; with None it says nothing and stays."""
    with socket.create_server(("127.0.0.1", 0)) as door:

        def serve() -> None:
            caller, _ = door.accept()
            with caller:
                # What is not read when the door is shut would make a reset of it.
                caller.recv(hears, socket.MSG_WAITALL)
                if says is None:
                    over.wait()
                else:
                    caller.sendall(says)

        over = threading.Event()
        server = threading.Thread(target=serve)
        server.start()
        try:
            yield door.getsockname()[1]
        finally:
            over.set()
            server.join()


@pytest.mark.parametrize(
    ("store", "says", "told"),
    [
        ("postgresql", b"S", ""),
        ("postgresql", b"N", ""),
        ("postgresql", b"HTTP/1.1 400", "what listens there is no PostgreSQL"),
        ("postgresql", b"", "what listens there is no PostgreSQL"),
        ("mysql", b"\x02\x00\x00\x00\x0a8", ""),
        ("mysql", b"\x17\x00\x00\x00\xff\x10\x04Too many connections", "Too many connections"),
        ("mysql", b"SSH-2.0-x", "what listens there is no MySQL"),
        ("mysql", b"", "what listens there is no MySQL"),
        ("mysql", None, "no answer in 0.2 s"),
        ("postgresql", None, "no answer in 0.2 s"),
    ],
)
def test_an_answer_is_read_by_the_servers_own_protocol(store: str, says: bytes | None, told: str) -> None:
    with listening(says, hears=8 if store == "postgresql" else 0) as port:
        assert probe(store, "127.0.0.1", port, 5 if says is not None else 0.2) == told


def test_a_shut_door_and_an_unknown_host_are_told_apart() -> None:
    assert probe("postgresql", "127.0.0.1", free_port(), 1) == "Connection refused"
    assert "refused" not in probe("postgresql", "nowhere.invalid", 5432, 5) != ""
