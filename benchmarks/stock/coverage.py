"""Which problems the stock side has code for."""

from pipeline.config.pipeline_config import Config
from schema.errors import InputError
from schema.problem import Task


def check(config: Config) -> None:
    """Refuses what the stock side has no code for.

    Raises:
        InputError: if the problem is not binary with a label of 0 and 1 and a split key.
    """
    problem = config.problem
    if problem.task is not Task.BINARY or problem.classes or problem.split.key is None:
        raise InputError(
            "benchmark: expected a binary problem with a split key and a label of 0 and 1. "
            f"Received: '{problem.name}', {problem.task}, split key {problem.split.key}, "
            f"classes {list(problem.classes)}"
        )
