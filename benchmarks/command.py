"""What the commands `bench` and `bench-scale` share: flags, files and exit codes."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from schema.errors import InputError, PipelineError
from schema.problem import DEFAULT_PROBLEM

INTERRUPTED = 130  # as a shell says of a process that SIGINT ended


def parser(name: str, description: str | None) -> argparse.ArgumentParser:
    """A parser with the flags of both."""
    made = argparse.ArgumentParser(prog=f"benchmarks.{name}", description=description, allow_abbrev=False)
    made.add_argument("--problem", default=DEFAULT_PROBLEM, help="a folder under schema/, or the path of one")
    made.add_argument("--data", help="folder of spans; the problem's own when left out")
    made.add_argument("--output", default="output", help="where everything is written")
    made.add_argument("--rows", type=at_least_one, metavar="N", help="take about so many rows, for a small trial")
    made.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", dest="sets", help="override a key")
    made.add_argument("--markdown", type=Path, metavar="FILE", help="put the tables between this file's markers")
    return made


def at_least_one(text: str) -> int:
    """A whole number of 1 or more."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"expected 1 or more, received {number}")
    return number


def write(path: Path, text: str) -> None:
    """Writes the file whole or not at all."""
    aside = path.with_name(f".{path.name}.partial")
    aside.write_text(text, encoding="utf-8")
    aside.replace(path)


def say(text: str, end: str = "\n") -> None:
    """Writes to the terminal at once."""
    sys.stdout.write(text + end)
    sys.stdout.flush()


def finish(work: Callable[[], None]) -> int:
    """Does the work; returns the exit code: 0 done, 2 bad input or a failed run, 130 interrupted."""
    try:
        work()
    except PipelineError as error:
        sys.stderr.write(f"\n{error}\n")
        return error.exit_code
    except KeyboardInterrupt:
        sys.stderr.write("\ninterrupted\n")
        return INTERRUPTED
    return 0


def check_markdown(path: Path | None) -> None:
    """Refuses a file that is not there, before hours are spent.

    Raises:
        InputError: naming it.
    """
    if path is not None and not path.is_file():
        raise InputError(f"--markdown {path}: no such file")
