"""Why a worker failed, as it tells its starter in a file: that of an exit code says no more than that it did."""

import json
import signal
import traceback
from dataclasses import dataclass
from pathlib import Path

from models.training.strategies import AddressInUseError, WorkerLostError
from schema import errors
from schema.durable import write_file
from schema.errors import PipelineError

UNEXPECTED = 70  # EX_SOFTWARE of sysexits.h: none of the codes of schema.errors


@dataclass(frozen=True)
class Ended:
    """A worker that has ended: its index, its exit code as subprocess tells it, and what it said of its error.

    error: name of the class; empty if it could say nothing, or had nothing to say.
    told: the error's message, else the last line that the worker printed.
    """

    index: int
    code: int
    error: str = ""
    told: str = ""

    def __str__(self) -> str:
        if self.code < 0:
            return f"worker {self.index} was killed by {signal.Signals(-self.code).name}"
        return f"worker {self.index} ended with code {self.code}: {self.told}"

    @property
    def mendable(self) -> type[PipelineError] | None:
        """The class of its error if a person has to mend something, so that another attempt would end alike."""
        found = getattr(errors, self.error, None)
        return found if isinstance(found, type) and issubclass(found, PipelineError) else None

    @property
    def rank(self) -> int:
        """Lowest for the end that says most of why a training ended; a worker that lost another says least."""
        if self.error == AddressInUseError.__name__ or self.mendable:
            return 0
        return 1 if self.code < 0 else 3 if self.error == WorkerLostError.__name__ else 2


def write_fault(file: Path, error: Exception) -> int:
    """Writes the error's kind and message, or the last line of one that nobody expected; returns the exit code."""
    expected = isinstance(error, PipelineError)
    code = error.exit_code if isinstance(error, PipelineError) else UNEXPECTED
    told = str(error) if expected else traceback.format_exception_only(error)[-1].strip()
    write_file(file, json.dumps({"code": code, "error": type(error).__name__, "told": told}))
    return code


def read_fault(file: Path, index: int) -> Ended | None:
    """What the worker of this index has written there, if anything."""
    try:
        return Ended(index, **json.loads(file.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
