"""Rows a second of the training input alone against the train step alone, on the transformed examples of a run.

Run: python -m benchmarks.training_input --output output. The input must be the faster of the two, or the step waits.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import tensorflow as tf

from benchmarks.side import artifact
from models.data.dataset import Source, make_dataset, training_source
from models.preprocessing.records import steady
from models.preprocessing.statistics import read_statistics
from models.training.fit import FitPaths, compiled
from models.training.schedule import course, settled
from models.training.strategies import make_strategy
from pipeline.config.pipeline_config import Config, load_config
from schema.errors import PipelineError
from schema.problem import DEFAULT_PROBLEM

_WARM_STEPS, _TIMED_STEPS = 20, 100


@dataclass(frozen=True)
class Speed:
    """Rows a second.

    first: of the input in the first epoch, which reads the files.
    input: of the input in the second epoch.
    step: of the train step on one batch that is there already.
    """

    first: float
    input: float
    step: float
    batch_rows: int

    @property
    def step_seconds(self) -> float:
        """Seconds of one train step."""
        return self.batch_rows / self.step

    def content(self) -> dict[str, float]:
        """As bench.json has it."""
        return {**asdict(self), "step_s": self.step_seconds, "input_over_step": self.input / self.step}

    def lines(self) -> list[str]:
        """For people."""
        return [
            f"training input alone  {self.input:>11,.0f} rows/s  (first epoch {self.first:,.0f})",
            f"train step alone      {self.step:>11,.0f} rows/s  ({self.step_seconds * 1e3:.1f} ms of "
            f"{self.batch_rows:,} rows)",
            f"the input is {self.input / self.step:.1f} times as fast as the step",
        ]


def measure(config: Config, output: Path) -> Speed:
    """Both speeds on the training split that a run in `output` transformed.

    Raises:
        InputError: if no run has transformed examples there.
    """
    examples = artifact(output, "Transform", "transformed_examples")
    source = training_source([f"{examples}/Split-train/*"])
    # With what follows the rows decided.
    config = replace(config, bound=settled(config.bound, source.rows()))
    batch = min(course(config.problem.network, source.rows()).batch_size, source.rows())
    first, later = input_speed(config, source, batch)
    return Speed(first, later, step_speed(config, output, source, batch), batch)


def input_speed(config: Config, source: Source, batch: int) -> tuple[float, float]:
    """Rows a second of the first and of the second epoch."""
    steps = source.rows() // batch
    batches = iter(make_dataset(source, config.bound, batch, training=True, seed=config.environment.training.seed))

    @tf.function
    def pull(iterator: Any) -> tf.Tensor:
        rows = tf.constant(0)
        for _ in tf.range(steps):
            rows += tf.size(next(iterator)[1])
        return rows

    return _rows_a_second(pull, batches), _rows_a_second(pull, batches)


def _rows_a_second(pull: Any, batches: Any) -> float:
    started = time.monotonic()
    rows = int(pull(batches))
    return rows / (time.monotonic() - started)


def step_speed(config: Config, output: Path, source: Source, batch: int) -> float:
    """Rows a second of the compiled train step, on one batch over and over."""
    options = config.environment.training
    statistics = read_statistics(artifact(output, "Transform", "transform_graph"))
    one = next(iter(make_dataset(source, config.bound, batch, training=True, seed=options.seed)))
    # Without the tuner, for which the end of each fit may wait as long again as it took.
    batches = steady(tf.data.Dataset.from_tensors(one).repeat())
    with tempfile.TemporaryDirectory() as logs:
        strategy = make_strategy(options.strategy, options.tpu)
        paths = FitPaths(logs=Path(logs))
        model = compiled(config.bound, statistics, strategy, options, paths, _WARM_STEPS + _TIMED_STEPS)
        model.fit(batches, steps_per_epoch=_WARM_STEPS, verbose=0)
        started = time.monotonic()
        model.fit(batches, steps_per_epoch=_TIMED_STEPS, verbose=0)
        return _TIMED_STEPS * batch / (time.monotonic() - started)


def parse(arguments: list[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="benchmarks.training_input", description=__doc__, allow_abbrev=False)
    parser.add_argument("--problem", default=DEFAULT_PROBLEM, help="a folder under schema/, or the path of one")
    parser.add_argument("--output", default="output", help="where a pipeline wrote its runs")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", dest="sets", help="override a key")
    parser.add_argument("--result", type=Path, help="write the figures into this JSON file too")
    return parser.parse_args(arguments)


def main(arguments: list[str]) -> int:
    """Measures and prints; returns the exit code: 0 done, 2 bad input."""
    chosen = parse(arguments)
    try:
        config = load_config(chosen.problem, output=chosen.output, sets=chosen.sets)
        speed = measure(config, config.output)
    except PipelineError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    if chosen.result:
        chosen.result.write_text(json.dumps(speed.content()), encoding="utf-8")
    sys.stdout.write("\n".join(speed.lines()) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
