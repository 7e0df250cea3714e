"""Whether a database server answers, asked by its own protocol and without logging in."""

import socket

# https://www.postgresql.org/docs/current/protocol-message-formats.html, SSLRequest: its length and its code.
_SSL_REQUEST = bytes.fromhex("00000008 04d2162f")
_SSL_ANSWERS = (b"S", b"N")
# https://mariadb.com/kb/en/connection/: the server speaks first. Length (3 bytes) and number, then the packet.
_HEADER_BYTES = 4
_ERROR = 0xFF
_GREETING = 10


def probe(store: str, host: str, port: int, seconds: float) -> str:
    """Why there is no such server there; empty if it answers.

    Args:
        store: postgresql or mysql.
        host: its name or address.
        port: its port.
        seconds: how long each answer is waited for.
    """
    try:
        with socket.create_connection((host, port), timeout=seconds) as door:
            return _ask_postgresql(door) if store == "postgresql" else _ask_mysql(door)
    except TimeoutError:
        return f"no answer in {seconds:g} s"
    except OSError as error:
        return error.strerror or str(error)


def _ask_postgresql(door: socket.socket) -> str:
    door.sendall(_SSL_REQUEST)
    return "" if door.recv(1) in _SSL_ANSWERS else "what listens there is no PostgreSQL"


def _ask_mysql(door: socket.socket) -> str:
    header = _read(door, _HEADER_BYTES)
    packet = _read(door, int.from_bytes(header[:3], "little")) if len(header) == _HEADER_BYTES else b""
    if packet[:1] == bytes([_ERROR]):
        # Two bytes of code, then the server's own sentence, such as 'Too many connections'.
        return packet[3:].decode("utf-8", "replace")
    return "" if packet[:1] == bytes([_GREETING]) else "what listens there is no MySQL"


def _read(door: socket.socket, size: int) -> bytes:
    got = b""
    while len(got) < min(size, 1 << 16):
        more = door.recv(size - len(got))
        if not more:
            break
        got += more
    return got
