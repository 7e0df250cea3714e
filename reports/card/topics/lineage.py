"""Where the model comes from."""

from reports.render.parts import Topic, facts
from reports.runs.run import Run


def lineage(run: Run) -> Topic:
    """Problem, spans by content, source, seed and versions."""
    return Topic("Lineage", "lineage", [facts("Lineage", list(run.lineage.facts().items()))])
