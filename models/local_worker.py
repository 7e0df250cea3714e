"""One worker of this machine: takes its job from stdin, trains as TF_CONFIG says, and leaves when its starter is gone.

models.local_cluster starts it. The job is a line of JSON: `fn_args`, the `threads` that it computes on, and `fault`, a
file in which it says why it failed.
"""

import json
import logging
import os
import sys
import threading
import traceback
from pathlib import Path
from types import SimpleNamespace
from typing import Any

# TensorFlow reads this when it is imported.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

_ORPHANED = 71


def main() -> int:
    """Trains; returns the exit code: 0 trained, that of a PipelineError, or 70."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    job = json.loads(sys.stdin.buffer.readline())
    threading.Thread(target=_leave_with_starter, daemon=True).start()
    try:
        _train(job)
    except Exception as error:  # noqa: BLE001 (whatever it is, the starter is told)
        from models.worker_fault import write_fault

        traceback.print_exc()
        return write_fault(Path(job["fault"]), error)
    return 0


def _train(job: dict[str, Any]) -> None:
    # Here, so that a starter that is gone is noticed while TensorFlow loads.
    import tensorflow as tf

    from models.worker_task import do_task

    tf.config.threading.set_intra_op_parallelism_threads(job["threads"])
    do_task(SimpleNamespace(**job["fn_args"]))


def _leave_with_starter() -> None:
    """Ends this process at the end of its stdin, which comes when whoever holds the other end is gone, or killed."""
    # Past Python's buffer, whose lock the interpreter would wait for at its end.
    while os.read(0, 4096):
        pass
    os._exit(_ORPHANED)


if __name__ == "__main__":
    sys.exit(main())
