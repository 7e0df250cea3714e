"""Runs the problem with stock TFX: python -m benchmarks.stock.run --data DIR --output DIR.

With --model and --examples, the folders of two artifacts, it runs the stock Evaluator on them and nothing else.
"""

import argparse
import os
import sys
from pathlib import Path

# TensorFlow reads this when it is imported; run_local.py sets it alike.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from pipeline.config.pipeline_config import load_config
from schema.errors import PipelineError
from schema.problem import DEFAULT_PROBLEM


def parse(arguments: list[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="benchmarks.stock.run", description=__doc__, allow_abbrev=False)
    parser.add_argument("--problem", default=DEFAULT_PROBLEM, help="a folder under schema/, or the path of one")
    parser.add_argument("--data", required=True, help="folder of spans")
    parser.add_argument("--output", required=True, help="where everything is written")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", dest="sets", help="override a key")
    parser.add_argument("--model", type=Path, help="folder of a Model artifact to evaluate")
    parser.add_argument("--examples", type=Path, help="folder of an Examples artifact to evaluate it on")
    chosen = parser.parse_args(arguments)
    if (chosen.model is None) != (chosen.examples is None):
        parser.error("--model and --examples go together")
    return chosen


def main(arguments: list[str]) -> int:
    """Runs; returns the exit code: 0 done, 2 bad input."""
    chosen = parse(arguments)
    try:
        config = load_config(chosen.problem, output=chosen.output, data=chosen.data, sets=chosen.sets)
        config.output.mkdir(parents=True, exist_ok=True)
        # Here, so that a wrong flag is told at once.
        from absl import logging
        from tfx import v1 as tfx

        from benchmarks.stock.evaluation import create_evaluation
        from benchmarks.stock.pipeline import create_pipeline

        logging.set_verbosity(logging.INFO)
        pipeline = create_evaluation(config, chosen.model, chosen.examples) if chosen.model else create_pipeline(config)
        tfx.orchestration.LocalDagRunner().run(pipeline)
    except PipelineError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
