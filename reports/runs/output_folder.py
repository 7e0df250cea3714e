"""The folder that runs write to, as commands name it."""

import os
import shlex
import sys
from pathlib import Path

from schema.errors import InputError

DEFAULT_OUTPUT = "output"


def existing_output(told: str) -> Path:
    """The folder, absolute, of a command that looks at what runs have left there.

    It is asked for before anything is locked or written, which would make a folder of a mistyped name.

    Args:
        told: what --output says.

    Raises:
        InputError: if it is not there, is no folder, or may not be read.
    """
    if not told.strip():
        raise InputError(f"--output: expected a folder. Received: {told!r}. The current folder is '.'")
    try:
        folder = Path(told).expanduser().resolve()
        if folder.is_dir():
            if not os.access(folder, os.R_OK | os.X_OK):
                raise InputError(f"--output {told}: no permission to read this folder")
            return folder
        fault = "is a file, expected a folder" if folder.exists() else "no such folder"
    except RuntimeError:
        fault = "no home directory to put for ~"
    except OSError as error:
        fault = str(error.strerror)
    raise InputError(f"--output {told}: {fault}")


def project_command(call: str, output: Path, base: Path) -> str:
    """The line that calls one of the project's modules on an output folder, as a person at `base` would type it.

    Args:
        call: the module and its other flags.
        output: the folder, absolute; it is named where it is not the default.
        base: where the command is called.
    """
    named = "" if output == (base / DEFAULT_OUTPUT).resolve() else f" --output {shlex.quote(shortened(output, base))}"
    return f"{shlex.quote(shortened(Path(sys.executable), base))} -m {call}{named}"


def shortened(path: Path, base: Path) -> str:
    """The path as a person at `base` would type it."""
    return str(path.relative_to(base)) if path.is_relative_to(base) else str(path)
