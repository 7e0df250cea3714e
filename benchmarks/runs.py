"""The two sides as commands: the same data, the same flags, a fresh process and an empty output folder."""

import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.process import Finished, run
from pipeline.config.pipeline_config import Config
from schema.errors import NotBlessedError
from schema.problem import Device

ROOT = Path(__file__).resolve().parents[1]
TRIAL_BATCH_ROWS = 256
# Epochs of patience where the number of epochs follows the rows: more than there are ever.
_NO_END = 1_000_000


@dataclass(frozen=True)
class Flags:
    """What both sides are told: the problem, the data, and the --set flags."""

    problem: str
    data: Path
    sets: tuple[str, ...]

    def arguments(self, output: Path) -> list[str]:
        """As a command line has them."""
        pairs = [("--problem", self.problem), ("--data", str(self.data)), ("--output", str(output))]
        pairs += [("--set", value) for value in self.sets]
        return [text for pair in pairs for text in pair]


def even_sets(config: Config, trial: bool) -> tuple[str, ...]:
    """--set flags by which both sides take the same steps and push what they train.

    With early stopping one side could train for fewer epochs than the other, and fine-tuning for a device would train
    for more: ours makes the variants that need none. A trial's few rows make no good model.
    """
    patience = config.problem.network.epochs or _NO_END
    sets = [f"network.patience={patience}", f"device.variants=[{', '.join(Device().variants)}]"]
    if trial:
        sets += [
            f"network.batch_size={TRIAL_BATCH_ROWS}",
            "evaluation.bounds={auc: 0.0}",
            "device.min_accepted=0",
        ]
    return tuple(sets)


def run_stock(flags: Flags, output: Path, log: Path) -> Finished:
    """Stock TFX, in an empty output folder."""
    shutil.rmtree(output, ignore_errors=True)
    return run([sys.executable, "-m", "benchmarks.stock.run", *flags.arguments(output)], log, ROOT)


def run_ours(flags: Flags, output: Path, log: Path, *, again: bool = False) -> Finished:
    """This project as a person runs it, in an empty output folder or, `again`, in the one that a run has left."""
    if not again:
        shutil.rmtree(output, ignore_errors=True)
    # A model that misses a bound ends the run with a code of its own, which the reader of the run tells better.
    accepted = (0, NotBlessedError.exit_code)
    return run([sys.executable, "run_local.py", *flags.arguments(output)], log, ROOT, accepted)


def run_stock_evaluation(flags: Flags, model: Path, examples: Path, output: Path, log: Path) -> Finished:
    """The stock Evaluator on a model and examples that are there."""
    shutil.rmtree(output, ignore_errors=True)
    named: Sequence[str] = ("--model", str(model), "--examples", str(examples))
    return run([sys.executable, "-m", "benchmarks.stock.run", *flags.arguments(output), *named], log, ROOT)


def run_module(module: str, arguments: Sequence[str], log: Path) -> Finished:
    """A measurement of its own, `python -m module`."""
    return run([sys.executable, "-m", module, *arguments], log, ROOT)
