"""What a model adds to a process's memory; run by memory.peak_memory, with what a device has: NumPy and LiteRT alone.

`python edge/benchmark/peak_memory_worker.py MODEL ROWS.npz` prints bytes.
"""

import sys
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter

_STATUS = Path("/proc/self/status")


def main(model: str, rows: str) -> int:
    """Loads the model, answers the first row and then all rows, and gives the growth of the high-water mark, bytes."""
    with np.load(rows, allow_pickle=False) as file:
        # Named as edge.runtime.npz_rows names them, which is not imported: a device has nothing of ours.
        columns = {name.removeprefix("column:"): file[name] for name in file.files}
    before = _highest()
    interpreter = Interpreter(model_path=model, num_threads=1)
    runner = interpreter.get_signature_runner("serving_default")
    taken = runner.get_input_details()
    for count in (1, len(next(iter(columns.values())))):
        runner(**{name: columns[name][:count] for name in taken})
    return _highest() - before


def _highest() -> int:
    """The high-water mark of resident memory, bytes.

    Not that of getrusage, which after a fork begins with the parent's.
    """
    lines = _STATUS.read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))


if __name__ == "__main__":
    sys.stdout.write(f"{main(*sys.argv[1:])}\n")
