"""A copy of the project's sources, to be edited or built from."""

import fnmatch
import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# In the root alone: packages of ours have such names too.
_AT_THE_TOP = {".venv", ".git", ".tools", "data", "output"}
_ANYWHERE = ("__pycache__", ".*_cache")


def copy_project(target: Path, *others: str) -> Path:
    """Copies what is neither made nor fetched to `target`, which is not there yet.

    Args:
        target: the copy.
        others: folders of the root that are left out besides.
    """

    def left_out(folder: str, names: list[str]) -> set[str]:
        made = {name for pattern in _ANYWHERE for name in fnmatch.filter(names, pattern)}
        return made | (({*others} | _AT_THE_TOP) & {*names} if Path(folder) == ROOT else set())

    return Path(shutil.copytree(ROOT, target, ignore=left_out))
