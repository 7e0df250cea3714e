"""Runs this project at several multiples of the problem's rows and says how time and peak memory grow.

Run: make bench-scale, or python -m benchmarks.scale --times 1,3,10. The added rows are varied, see benchmarks.vary.
"""

import argparse
import json
import sys
from dataclasses import asdict
from typing import Any

from benchmarks import command, growth, machine, runs, sections
from benchmarks.command import say
from benchmarks.measurement import Bench, prepare
from benchmarks.side import Side, finite, read_ours


def times(text: str) -> tuple[int, ...]:
    """The multiples in a text such as 1,3,10: ascending, two or more."""
    found = tuple(command.at_least_one(part) for part in text.split(","))
    if len(found) < 2 or list(found) != sorted(set(found)):
        raise argparse.ArgumentTypeError(f"expected two or more multiples, ascending, such as 1,3,10, received {text}")
    return found


def parse(arguments: list[str]) -> argparse.Namespace:
    """The command line."""
    parser = command.parser("scale", __doc__)
    parser.add_argument("--times", type=times, default=(1, 3, 10), metavar="N,N", help="multiples of the rows")
    return parser.parse_args(arguments)


def measure(bench: Bench, multiple: int) -> dict[str, Any]:
    """One run on the data of one multiple, as bench_scale.json has it."""
    output = bench.folder / f"scale-{multiple}x"
    say(f"{multiple} times, {bench.data.rows:,} rows ...", end="")
    side = read_ours(runs.run_ours(bench.flags, output, bench.log(output.name)), output)
    say(f" {side.process:.0f} s")
    return {"times": multiple, "rows": bench.data.rows, "bytes": bench.data.bytes, **content(side)}


def content(side: Side) -> dict[str, Any]:
    """A run's seconds and memory (MiB), whole and by node."""
    nodes = {
        node: {"seconds": cost.seconds, "peak_mb": cost.mebibytes, "recorded_mb": cost.recorded_mebibytes}
        for node, cost in side.nodes.items()
    }
    return {"seconds": side.chain, "startup_s": side.startup, "peak_mb": side.peak, "nodes": nodes}


def run(chosen: argparse.Namespace) -> None:
    """Measures, writes `bench_scale.json` into the output folder, and shows what was found.

    Raises:
        InputError: if a flag is wrong, or a run fails; names its log.
    """
    command.check_markdown(chosen.markdown)
    benches = {multiple: prepare(chosen, multiple) for multiple in chosen.times}
    measured = finite([measure(bench, multiple) for multiple, bench in benches.items()])
    found = {"runs": measured, "growth": growth.growth(measured), "machine": asdict(machine.describe())}
    path = benches[chosen.times[0]].config.output / "bench_scale.json"
    command.write(path, json.dumps(found, indent=2) + "\n")
    shown, told = growth.tables(measured), growth.verdict(measured)
    say("\n".join(line for table in shown for line in ("", *table.lines())))
    say("\n".join(["", *told, "", f"written: {path}"]))
    if chosen.markdown:
        sections.fill(chosen.markdown, "scale", shown, [f"- {line}" for line in told])


def main(arguments: list[str]) -> int:
    """Runs; returns the exit code, see command.finish."""
    chosen = parse(arguments)
    return command.finish(lambda: run(chosen))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
