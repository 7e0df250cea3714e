"""JSON that another command has written."""

import json
from pathlib import Path
from typing import Any

from schema.errors import InputError


def read_json(path: Path) -> Any:
    """What the file holds.

    Raises:
        OSError: if it cannot be read.
        InputError: if it is no JSON, or no UTF-8.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"{path}: not readable as JSON: {error}") from None
