"""Peak memory of a model, measured in a fresh process."""

import logging
import subprocess
import tempfile
from pathlib import Path

from edge.benchmark import peak_memory_worker
from edge.runtime import npz_rows
from edge.runtime.litert_model import Columns
from schema.child import child_command
from schema.errors import PipelineError

_LAST_LINES = 4
_LOG = logging.getLogger(__name__)


def peak_memory(model: Path, columns: Columns) -> int | None:
    """Bytes that loading a raw form, one row and all rows in one batch add to a process at its peak.

    The process is new and has NumPy and LiteRT alone; what their import takes is not counted, nor are the rows.

    Args:
        model: a .tflite file.
        columns: raw rows, an array [N] for each input.

    Returns:
        The bytes; None on a system without /proc, where it is said that nothing is measured.

    Raises:
        PipelineError: if the process fails, with its last lines.
    """
    if not Path("/proc/self/status").is_file():
        _LOG.warning("%s: peak memory is not measured, since this system has no /proc", model.name)
        return None
    with tempfile.TemporaryDirectory(prefix="footprint-") as folder:
        file = Path(folder) / "rows.npz"
        npz_rows.save(file, columns)
        command = child_command(str(peak_memory_worker.__file__), [str(model), str(file)])
        found = subprocess.run(command, capture_output=True, text=True, check=False, errors="replace")
    if found.returncode != 0:
        last = "\n".join(found.stderr.strip().splitlines()[-_LAST_LINES:])
        raise PipelineError(f"{model}: measuring its memory ended with exit code {found.returncode}: {last}")
    return int(found.stdout)
