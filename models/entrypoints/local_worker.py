"""One worker of this machine: takes its job from stdin, and trains as TF_CONFIG says.

models.entrypoints.local_cluster starts it. The job is a line of JSON: `fn_args`, the `threads` that it computes on, and
`fault`, a file in which it says why it failed.
"""

import json
import logging
import os
import sys
import traceback
from pathlib import Path
from types import SimpleNamespace
from typing import Any

# TensorFlow reads this when it is imported.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")


def main() -> int:
    """Trains; returns the exit code: 0 trained, that of a PipelineError, or 70."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    job = json.loads(sys.stdin.buffer.readline())
    try:
        _train(job)
    except Exception as error:  # noqa: BLE001 (whatever it is, the starter is told)
        from models.entrypoints.worker_error import write_fault

        traceback.print_exc()
        return write_fault(Path(job["fault"]), error)
    return 0


def _train(job: dict[str, Any]) -> None:
    # Here, so that a job that cannot be read is told at once.
    import tensorflow as tf

    from models.entrypoints.worker_task import do_task

    tf.config.threading.set_intra_op_parallelism_threads(job["threads"])
    do_task(SimpleNamespace(**job["fn_args"]))


if __name__ == "__main__":
    sys.exit(main())
