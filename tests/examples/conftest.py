"""One bundle a task, made once."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from tests.device_bundles import lay, make_device_models

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples" / "device"


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """bundle(task): the folder of a released bundle of a binary, multiclass or regression problem."""

    @cache
    def made(task: str) -> Path:
        folder = tmp_path_factory.mktemp(task)
        return lay(task, make_device_models(task, folder), folder / "device")

    return made
