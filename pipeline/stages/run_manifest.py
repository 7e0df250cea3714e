"""What a run was made from, beside its record: `config.json`."""

import subprocess
import sys
from pathlib import Path
from typing import Any

from pipeline.config.pipeline_config import ROOT, Config
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
        "commit": commit(ROOT),
    }


def commit(folder: Path) -> str | None:
    """The commit that is checked out in a folder, and whether files differ from it; None where Git does not know."""
    try:
        head = _git(folder, "rev-parse", "HEAD")
        changed = _git(folder, "status", "--porcelain", "--untracked-files=no")
    except (OSError, subprocess.SubprocessError):
        return None
    return f"{head} with uncommitted changes" if changed else head


def _git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=10)
    return done.stdout.strip()
