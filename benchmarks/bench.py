"""Runs stock TFX and this project side by side on the same rows and says how much faster, how large, and how alike.

Run: make bench, or python -m benchmarks.bench --pairs 3. A small trial: make bench ARGS="--pairs 1 --rows 5000".
"""

import argparse
import json
import sys

from benchmarks import command, findings, sections
from benchmarks.command import say
from benchmarks.measurement import measure, prepare


def parse(arguments: list[str]) -> argparse.Namespace:
    """The command line."""
    parser = command.parser("bench", __doc__)
    parser.add_argument("--pairs", type=command.at_least_one, default=3, metavar="N", help="how often both sides run")
    return parser.parse_args(arguments)


def run(chosen: argparse.Namespace) -> None:
    """Measures, writes `bench.json` and `bench.svg` into the output folder, and shows what was found.

    Raises:
        InputError: if a flag is wrong, or a run fails; names its log.
    """
    command.check_markdown(chosen.markdown)
    bench = prepare(chosen)
    say(f"{bench.data.rows:,} rows, {bench.data.bytes / 1e6:.1f} MB of CSV")
    content = measure(bench, chosen.pairs)
    output = bench.config.output
    command.write(output / "bench.json", json.dumps(content, indent=2) + "\n")
    command.write(output / "bench.svg", findings.chart(content))
    shown = findings.tables(content)
    say("\n".join(line for table in shown for line in ("", *table.lines())))
    say(f"\nwritten: {output / 'bench.json'} and {output / 'bench.svg'}")
    if chosen.markdown:
        sections.fill(chosen.markdown, "bench", shown)


def main(arguments: list[str]) -> int:
    """Runs; returns the exit code, see command.finish."""
    chosen = parse(arguments)
    return command.finish(lambda: run(chosen))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
