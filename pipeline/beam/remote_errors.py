"""An error of a Beam worker, as it was raised there."""

import re

from schema import errors
from schema.errors import PipelineError

# How Beam tells that a job failed at an engine; the worker's traceback follows, and then Java's.
_FAILED_JOB = re.compile(r"Pipeline \S+ failed in state \w+: ")
_JAVA = re.compile(r"\n+\tat .*", re.DOTALL)
_STEP = re.compile(r" \[while running '[^']*'\]\s*$")
_TRACEBACK = "Traceback (most recent call last):\n"
_RAISED = re.compile(r"^([\w.]*\b(\w+))(?:: (.*))?\Z", re.DOTALL)


def as_raised(error: BaseException) -> BaseException:
    """The error without what Beam adds: a worker's is a traceback in text, and one in this process names the step.

    Returns:
        One of `schema.errors` as that class, with its own sentence; another error of a worker as a RuntimeError that
        says in a line what the traceback ends with; any other error as it is.
    """
    text = str(error)
    if isinstance(error, PipelineError) and _STEP.search(text):
        return _chained(type(error)(_STEP.sub("", text)), error)
    is_failed_job = _FAILED_JOB.match(text) is not None and _TRACEBACK in text
    if type(error) is RuntimeError and (is_failed_job or text.startswith(_TRACEBACK)):
        return _chained(_of_worker(text), error)
    return error


def _of_worker(text: str) -> Exception:
    lines = text.rpartition(_TRACEBACK)[2].splitlines(keepends=True)
    # The frames are indented; what was raised is the first line that is not.
    end = next((place for place, line in enumerate(lines) if not line.startswith(" ")), 0)
    raised = _STEP.sub("", _JAVA.sub("", "".join(lines[end:]))).strip()
    found = _RAISED.match(raised)
    kind = getattr(errors, found[2], None) if found and found[1] == f"{errors.__name__}.{found[2]}" else None
    if found and isinstance(kind, type) and issubclass(kind, PipelineError):
        return kind(found[3] or "")
    return RuntimeError(f"in a Beam worker: {raised}")


def _chained(error: Exception, cause: BaseException) -> Exception:
    error.__cause__ = cause
    return error
