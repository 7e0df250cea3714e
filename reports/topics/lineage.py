"""Where the model comes from."""

from reports.parts import Topic, facts
from reports.run import Run


def lineage(run: Run) -> Topic:
    """Problem, spans by content, source, seed and versions."""
    return Topic("Lineage", "lineage", [facts("Lineage", list(run.lineage.facts().items()))])
