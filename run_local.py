"""Runs the pipeline on this machine: flags to config to create_pipeline to a local run."""

import argparse
import errno
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

# TensorFlow reads this when it is imported, which happens only once the flags are known to be right.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from pipeline.local.shutdown import interruption_code, leave, treat_sigterm_as_interruption
from pipeline.process import process_tree
from schema.errors import InputError, PipelineError
from schema.failure import ended
from schema.problem import DEFAULT_PROBLEM

if TYPE_CHECKING:
    from pipeline.config.pipeline_config import Config
    from pipeline.local.node_selection import Choice


def parse(arguments: list[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="run_local.py", description=__doc__, allow_abbrev=False)
    parser.add_argument("--problem", default=DEFAULT_PROBLEM, help="a folder under schema/, or the path of one")
    parser.add_argument("--environment", default="local", help="a file under pipeline/environments/")
    parser.add_argument("--data", help="folder of spans; the problem's own when left out")
    parser.add_argument("--output", default="output", help="where everything is written")
    parser.add_argument("--span-window", default=":", metavar="FIRST:LAST", help="spans to use, such as 1:9 or 10:")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", dest="sets", help="override a key")
    parser.add_argument("--from", dest="first", metavar="NODE", help="begin here; earlier nodes come from the last run")
    parser.add_argument("--to", dest="last", metavar="NODE", help="end here")
    parser.add_argument("--only", metavar="NODE", help="run this node alone")
    parser.add_argument("--no-cache", action="store_true", help="run every node, whatever has not changed")
    parser.add_argument("--quick", action="store_true", help="use a seeded sample of about 20,000 rows")
    parser.add_argument(
        "--dry-run", action="store_true", help="check config, schema, first rows of the data and nodes, and stop"
    )
    parser.add_argument("--list", action="store_true", help="list the nodes and stop")
    parser.add_argument("--verbose", action="store_true", help="debug messages in run.log")
    chosen = parser.parse_args(arguments)
    if chosen.only and (chosen.first or chosen.last):
        parser.error("--only goes with neither --from nor --to")
    return chosen


def main(arguments: list[str], started: float | None = None) -> int:
    """Runs; returns the exit code.

    0 done, 1 unexpected, 2 bad input, 3 anomalies, 4 not blessed, 130 interrupted, 143 terminated.

    Args:
        arguments: the flags.
        started: the time.monotonic() from which the run's seconds count; now, when left out.
    """
    began = time.monotonic() if started is None else started
    chosen = parse(arguments)
    try:
        return _main(chosen, began)
    except PipelineError as error:
        return ended(error, chosen.output)
    except KeyboardInterrupt as error:
        sys.stderr.write("interrupted\n")
        return interruption_code(error)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES):
            raise
        return ended(error, chosen.output)


def _main(chosen: argparse.Namespace, started: float) -> int:
    from pipeline.config.pipeline_config import load_config
    from pipeline.local.node_selection import Choice
    from pipeline.local.preflight import (
        build_sample,
        check_engine,
        check_first_rows,
        check_metadata,
        check_output,
        find_data,
    )

    config = load_config(
        chosen.problem,
        output=chosen.output,
        environment=chosen.environment,
        data=chosen.data,
        window=chosen.span_window,
        quick=chosen.quick,
        sets=chosen.sets,
        enable_cache=not chosen.no_cache,
    )
    if not config.environment.is_local:
        raise InputError(f"--environment {config.environment.name}: is for run_kubeflow.py")
    if chosen.list:
        return list_nodes(config)
    check_output(config)
    built = None if chosen.data else build_sample(config)
    if built:
        sys.stdout.write(f"{built}\n")
    engine = check_engine(config.environment.beam)
    choice = Choice(chosen.only or chosen.first, chosen.only or chosen.last)
    if chosen.dry_run:
        told = (check_first_rows(config), check_metadata(config, log_in=False))
        check_choice(config, choice)
        sys.stdout.writelines(f"{line}\n" for line in told if line)
        return 0
    find_data(config)
    check_metadata(config, log_in=True)
    check_choice(config, choice)
    from pipeline.local.progress import LiveLine, header
    from pipeline.local.session import open_session, recorded_interruption
    from pipeline.process.fast_import import large_imports
    from pipeline.process.import_blocker import without_cloud_clients

    with (
        open_session(config.output, verbose=chosen.verbose) as session,
        recorded_interruption(config, session, started),
        without_cloud_clients(),
    ):
        session.terminal.write(header(config, session.run_id, engine))
        loading = LiveLine(session.terminal)
        loading.show("loading TensorFlow and TFX")
        try:
            # Here, so that what they print goes to the log.
            with large_imports():
                from pipeline.local.run import run
        finally:
            loading.clear()
        return run(config, choice, session, started)


def list_nodes(config: "Config") -> int:
    """Writes the graph's nodes in order."""
    sys.stdout.writelines(f"{node}\n" for node in _upstream(config))
    return 0


def check_choice(config: "Config", choice: "Choice") -> None:
    """Refuses a choice of nodes that does not fit the graph, before it is a run that has failed.

    Raises:
        InputError: naming the node or the range.
    """
    # The whole graph always fits, and is not worth the loading of TensorFlow here.
    if not choice.is_all:
        choice.check(_upstream(config))


def _upstream(config: "Config") -> dict[str, list[str]]:
    """What each node of the graph waits for, in the graph's order."""
    from pipeline.local.progress import LiveLine
    from pipeline.process.fast_import import large_imports
    from pipeline.process.import_blocker import without_cloud_clients
    from pipeline.process.output_redirect import captured

    with captured(Path(os.devnull)) as terminal, without_cloud_clients():
        loading = LiveLine(terminal)
        loading.show("loading TensorFlow and TFX")
        try:
            with large_imports():
                from pipeline.graph import create_pipeline
                from pipeline.local.runner import compile_graph, upstream_nodes
            return upstream_nodes(compile_graph(create_pipeline(config)))
        finally:
            loading.clear()


if __name__ == "__main__":
    treat_sigterm_as_interruption()
    leave(main(sys.argv[1:], process_tree.started()))
