"""What a node has to say to whoever runs it although it succeeded: `warnings.json` in the folder of an artifact.

It lies beside the artifact's payload, so that a cached node says it again. `reports.runs.collected` gathers them all
into run.json, from where the terminal, the report and the card have them.
"""

import json
from collections.abc import Iterable
from pathlib import Path

FILE = "warnings.json"


def write_warnings(messages: Iterable[str], artifact: Path) -> None:
    """Writes the sentences, in order; with none no file."""
    listed = list(messages)
    if listed:
        (artifact / FILE).write_text(json.dumps(listed, indent=1), encoding="utf-8")


def read_warnings(artifact: Path) -> list[str]:
    """The sentences of an artifact; none where nothing was written."""
    file = artifact / FILE
    if not file.is_file():
        return []
    messages: list[str] = json.loads(file.read_text(encoding="utf-8"))
    return messages
