"""What a run was made from, beside its record: `config.json`."""

import sys
from typing import Any

from pipeline.config import Config
from pipeline.stages.release import lineage

CONFIG = "config.json"


def described(config: Config) -> dict[str, Any]:
    """The problem and the environment whole, the data, the command line, and the source and versions that ran.

    Two runs are compared by it, and it says how to run one again. The environment names the variable or file that holds
    a password, never the password.
    """
    return {
        "problem": config.problem.model_dump(mode="json"),
        "environment": config.environment.model_dump(mode="json"),
        "data": str(config.data),
        "window": str(config.window),
        "sample_rows": config.sample_rows,
        "command": sys.argv,
        "lineage": lineage(config),
    }
