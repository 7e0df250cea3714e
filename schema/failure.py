"""How a command ends that could not do what it was asked."""

import sys

from schema.errors import InputError, PipelineError


def ended(error: PipelineError | OSError, place: str) -> int:
    """Writes why to stderr, in a sentence; returns the exit code.

    Args:
        error: of the project, or of the system, which is bad usage: a folder that may not be read, a full disk.
        place: named where the system names no file.
    """
    if isinstance(error, PipelineError):
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    sys.stderr.write(f"{error.filename or place}: {error.strerror}\n")
    return InputError.exit_code
