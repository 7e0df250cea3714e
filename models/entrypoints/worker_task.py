"""What a process does that trains along with others: by what it is handed, it trains a model or fine-tunes one."""

from typing import Any

from models.entrypoints.fine_tuner import TECHNIQUES, fine_tune
from models.entrypoints.trainer import train


def do_task(fn_args: Any) -> None:
    """Trains, or fine-tunes, in this process; see `trainer.train` and `fine_tuner.fine_tune`."""
    work = fine_tune if TECHNIQUES in fn_args.custom_config else train
    work(fn_args)
