"""An interrupted run ends: its nodes' threads, its child processes, and the process itself.

SIGTERM, by which Docker, systemd and Kubernetes end a process, is an interruption as Ctrl-C is.
"""

import ctypes
import os
import signal
import sys
import threading
import time
from collections.abc import Collection
from typing import NoReturn

from pipeline.process.process_tree import kill_descendants

INTERRUPTED = 130  # as a shell says of a process that SIGINT ended
TERMINATED = 143  # the same of SIGTERM
_GRACE_SECONDS = 5.0


class Terminated(KeyboardInterrupt):
    """SIGTERM came."""


def treat_sigterm_as_interruption() -> None:
    """Lets the first SIGTERM raise Terminated in the main thread; later ones do not disturb what that began."""

    def terminated(*_: object) -> None:
        # Not SIG_IGN, which processes that are started from now on would inherit.
        signal.signal(signal.SIGTERM, lambda *_: None)
        raise Terminated

    signal.signal(signal.SIGTERM, terminated)


def interruption_code(error: KeyboardInterrupt) -> int:
    """The exit code of a process that this ended."""
    return TERMINATED if isinstance(error, Terminated) else INTERRUPTED


def interrupt(threads: Collection[threading.Thread]) -> None:
    """Raises KeyboardInterrupt in each thread, ends what they have started, and waits for them, for a few seconds.

    A thread inside a library that does not come back to Python in that time is left to `leave`.
    """
    for ident in (thread.ident for thread in threads if thread.ident is not None):
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(ident), ctypes.py_object(KeyboardInterrupt))
    # A thread that waits for a child process hears of its interruption when the child is gone.
    kill_descendants()
    until = time.monotonic() + _GRACE_SECONDS
    for thread in threads:
        thread.join(max(0.0, until - time.monotonic()))
    # One that was about to start another child may have done so.
    kill_descendants()


def leave(code: int) -> NoReturn:
    """Ends the process with this exit code; after an interruption at once, whatever its threads are doing."""
    if code in (INTERRUPTED, TERMINATED):
        kill_descendants()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)
