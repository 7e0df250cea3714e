"""What a request for a Beam worker may say.

Beam's pool pastes the request's text into a Python program (`worker_pool_main.StartWorker`, Beam 2.77), so that a quote
in it ends the text and begins code. Remove this check when Beam hands the text over as arguments.
"""

import ipaddress
import re
from typing import Any

# A name, an IPv4 address, or an IPv6 address in brackets; then a port. gRPC's own `dns:///` may stand before it.
_ENDPOINT = re.compile(r"(?:dns:///)?(?P<host>[A-Za-z0-9][A-Za-z0-9._-]*|\[[0-9A-Fa-f:.]+\]):(?P<port>[0-9]{1,5})")
_WORKER_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}")
_ENDPOINTS = ("control_endpoint", "logging_endpoint", "artifact_endpoint", "provision_endpoint")
_LONGEST = 300
_LAST_PORT = 65535


def refusal(request: Any, *, loopback_only: bool) -> str | None:
    """Why no worker is started for a request, in a sentence; None if one may be.

    Args:
        request: Beam's StartWorkerRequest; what it leaves empty is not looked at, save the two that Beam uses.
        loopback_only: whether the engine must be on this machine. A worker runs whatever its control endpoint sends.
    """
    if not _WORKER_ID.fullmatch(request.worker_id):
        return f"worker_id: expected letters, digits, '.', '_', ':' and '-'. Received: {_shown(request.worker_id)}"
    for name in _ENDPOINTS:
        url = getattr(request, name).url
        if not url and name != "control_endpoint":
            continue
        matched = _ENDPOINT.fullmatch(url) if len(url) <= _LONGEST else None
        if matched is None or not 0 < int(matched["port"]) <= _LAST_PORT:
            return f"{name}: expected host:port. Received: {_shown(url)}"
        if loopback_only and not is_loopback(matched["host"]):
            return (
                f"{name}: expected an engine on this machine, whose loopback address the pool listens at. Received: "
                f"{_shown(url)}. `--host` lets engines of other machines in"
            )
    return None


def is_loopback(host: str) -> bool:
    """Whether a name or address is this machine's own, which no other machine reaches."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def _shown(text: str) -> str:
    """The text as it can stand in a log: quoted, and not much of it."""
    return repr(text if len(text) <= _LONGEST else f"{text[:_LONGEST]}...")
