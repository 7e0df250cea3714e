"""Where a run's model comes from, and how to make it again."""

import hashlib
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from reports.render.html import View


@dataclass(frozen=True)
class Lineage(View):
    """Versions, data, source, and the command.

    `artifacts` are the folders of the run's artifacts by `<node>.<output>`.
    """

    template: ClassVar[str] = "lineage.html"
    config: Mapping[str, Any]
    spans: Sequence[Mapping[str, Any]]
    artifacts: Mapping[str, str]

    def context(self) -> dict[str, Any]:
        """Facts by name, and the artifacts."""
        return {"facts": self.facts(), "artifacts": self.artifacts}

    def facts(self) -> dict[str, str]:
        """Facts by name, as far as they were recorded."""
        made = self.config.get("lineage", {})
        found = {
            "problem": made.get("problem"),
            "data": self.config.get("data"),
            "data fingerprint": self.data_fingerprint(),
            "source fingerprint": made.get("source"),
            "commit": self.config.get("commit"),
            "seed": made.get("seed"),
            "versions": ", ".join(f"{name} {number}" for name, number in made.get("versions", {}).items()),
            "to run it again": self.command(),
        }
        return {name: str(value) for name, value in found.items() if value not in (None, "")}

    def data_fingerprint(self) -> str:
        """A digest of the content of all spans, see the table of rows for that of each; empty where there is none."""
        digest = hashlib.sha256(" ".join(span["content"] for span in self.spans).encode()).hexdigest()
        return f"{digest[:20]}, of {len(self.spans)} spans" if self.spans else ""

    def command(self) -> str:
        """The command line of the run, empty if it was not recorded."""
        arguments = self.config.get("command", [])
        return shlex.join(["python", *arguments]) if arguments else ""
