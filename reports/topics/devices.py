"""The model's forms for devices."""

from reports.parts import Paragraph, Pictured, Tabulated, Topic
from reports.run import Run


def devices(run: Run) -> Topic:
    """What a variant is held to, and a line a variant."""
    held = run.config["problem"]["device"]
    said = Paragraph(
        f"A variant may be worse than the server model by {held['max_metric_drop']:g} of {run.metric.name} and decide "
        f"{held['max_flip_rate']:.2%} of rows otherwise, at most. Times are those of one row, on the machine that ran "
        "the evaluation."
    )
    variants = run.variants
    return Topic("Device models", "devices", [said, Pictured(variants, [Tabulated(variants.table())])])
