"""Python workers in threads of this process, for an engine inside the job server, which is on this machine.

Beam's own way to them, the environment LOOPBACK, listens on all interfaces and asks nobody who they are
(`worker_pool_main.start`, Beam 2.77), so that whoever reaches the port has this process run code. Remove this module
when Beam binds to the loopback address.
"""

import threading

import grpc

from pipeline.beam.worker_pool import DEFAULT_HOST, serve


class LoopbackWorkers:
    """A pool that listens at the loopback address from the moment its address is first asked for until it is closed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._server: grpc.Server | None = None
        self._address = ""

    def address(self) -> str:
        """host:port at which the engine asks for a worker."""
        with self._lock:
            if self._server is None:
                self._server, _, port = serve(DEFAULT_HOST, 0, use_process=False)
                self._address = f"{DEFAULT_HOST}:{port}"
            return self._address

    def close(self) -> None:
        """Listens no more."""
        if self._server is not None:
            self._server.stop(None)
