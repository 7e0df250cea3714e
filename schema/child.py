"""The start of every Python process that this project starts: it lives no longer than who started it.

`python child.py PARENT TARGET ARGUMENTS...` asks the kernel to end this process together with the thread that started
it, however that came about, and then runs the module or the file TARGET. So this holds from the first moment on: while
the target imports TensorFlow, and while a converter computes for seconds without giving Python a turn.

On a system other than Linux a process whose parent was killed ends by itself, some seconds later.
"""

import ctypes
import os
import runpy
import signal
import sys
from collections.abc import Sequence

# From <linux/prctl.h>.
_PR_SET_PDEATHSIG = 1
ORPHANED = 71


def child_command(target: str, arguments: Sequence[str] = (), options: Sequence[str] = ()) -> list[str]:
    """The command line that runs a target as a child of this process.

    The thread that starts it must wait for it: the child ends with the thread.

    Args:
        target: a module, as `edge.convert.conversion_worker`, to be found by PYTHONPATH; or the path of a `.py` file.
        arguments: of the target.
        options: of Python. The folder that it runs in, and that of the file, are not on its path in any case.
    """
    return [sys.executable, "-P", *options, __file__, str(os.getpid()), target, *arguments]


def main(parent: int, target: str, arguments: Sequence[str]) -> None:
    """Runs the target as the main program.

    Raises:
        OSError: if the kernel refuses.
        SystemExit: if the parent has gone already, or as the target ends.
    """
    if sys.platform == "linux":
        _end_with_parent()
        # One that had gone before the kernel was asked is not told of.
        if os.getppid() != parent:
            sys.exit(ORPHANED)
    sys.argv = [target, *arguments]
    if target.endswith(".py"):
        runpy.run_path(target, run_name="__main__")
    else:
        runpy.run_module(target, run_name="__main__", alter_sys=True)


def _end_with_parent() -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"prctl: {os.strerror(number)}")


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3:])
