"""One command line for all that is not a run: `python -m pipeline <command>`; `<command> --help` says more of each.

It imports the standard library alone, since `doctor` runs where nothing else is installed.
"""

import argparse
import runpy
import sys
from collections.abc import Sequence
from typing import NamedTuple


class Command(NamedTuple):
    """A module that runs as `__main__`, and what its command does."""

    module: str
    summary: str


COMMANDS = {
    "doctor": Command("pipeline.commands.doctor", "check that this machine can run the project"),
    "runs": Command("pipeline.commands.runs", "list, show, compare and prune runs"),
    "report": Command("reports", "write the report of an earlier run"),
    "verify": Command("pipeline.commands.verify", "verify a run's rows and metrics from its files"),
    "devices": Command("pipeline.commands.devices", "compare device variants, and choose one by a budget"),
    "release": Command("pipeline.commands.release", "list, verify, roll back and choose released versions"),
    "tensorboard": Command("pipeline.commands.tensorboard", "serve TensorBoard for an output folder"),
    "config": Command("pipeline.commands.config_reference", "explain each config key"),
    "beam-worker": Command("pipeline.commands.beam_worker", "start workers for a Flink or Spark cluster"),
}


def _parser() -> argparse.ArgumentParser:
    width = max(map(len, COMMANDS))
    listed = "\n".join(f"  {name:<{width}}  {command.summary}" for name, command in COMMANDS.items())
    parser = argparse.ArgumentParser(
        prog="python -m pipeline",
        usage="python -m pipeline <command> [options]",
        description="Looks after what runs have left. A run itself is started by run_local.py or run_kubeflow.py.",
        epilog=f"commands:\n{listed}\n\n`python -m pipeline <command> --help` explains a command.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("command", choices=COMMANDS, metavar="command", help="one of those below")
    return parser


def main(arguments: Sequence[str]) -> None:
    """Runs a command in this process, which ends by its exit code: 2 for a command that there is not."""
    parser = _parser()
    if not arguments:
        parser.print_help()
        sys.exit(2)
    name = parser.parse_args(arguments[:1]).command
    sys.argv = [f"python -m pipeline {name}", *arguments[1:]]
    runpy.run_module(COMMANDS[name].module, run_name="__main__")


if __name__ == "__main__":
    main(sys.argv[1:])
