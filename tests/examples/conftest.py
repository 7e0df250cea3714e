"""One bundle a task, made once."""

import json
import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from tests.device_bundles import lay, make_device_models

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples" / "device"

# As short and as long as words are, beyond ASCII, and with zero bytes where padding, a term's end or a cut would be.
STRINGS = ("", "A", "clay", "clay?", "sandy silt", "é漢", "\0", "clay\0", "\0clay", "cl\0ay", "sandy silt, wet\0")


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """bundle(task): the folder of a released bundle of a binary, multiclass or regression problem."""

    @cache
    def made(task: str) -> Path:
        folder = tmp_path_factory.mktemp(task)
        return lay(task, make_device_models(task, folder), folder / "device")

    return made


@pytest.fixture
def bundle_without_variants(bundle: Callable[[str], Path], tmp_path: Path) -> Path:
    """The folder of a bundle as a release lays it that accepted no variant."""
    folder = tmp_path / "without variants" / "device"
    folder.mkdir(parents=True)
    for name in ("README.md", "LICENSES.md"):
        shutil.copy2(bundle("binary") / name, folder)
    manifest = json.loads((bundle("binary") / "manifest.json").read_text(encoding="utf-8"))
    (folder / "manifest.json").write_text(json.dumps(manifest | {"variants": []}), encoding="utf-8")
    return folder
