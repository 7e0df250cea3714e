"""The model's forms for devices."""

from reports.render.parts import Bullets, Paragraph, Part, Pictured, Tabulated, Topic
from reports.runs.run import Run
from schema.problem import DropUnit, Task


def devices(run: Run) -> Topic:
    """What a variant is held to, how good each is, what each costs, and why those rejected are."""
    held, judged = run.config["problem"]["device"], run.config["problem"]["evaluation"]
    # A run of before there were units has its bounds in the metric's.
    shares = run.metric.task is Task.REGRESSION and held.get("drop_unit") == DropUnit.DEVIATION
    unit = f"label standard deviations in {run.metric.name}" if shares else f"of {run.metric.name}"
    said = Paragraph(
        f"A variant may be worse than the server model by {held['max_metric_drop']:g} {unit} on all "
        f"rows, by {held.get('max_slice_drop', 0.0):g} on a slice of {judged['min_slice_rows']:,} rows or more, and "
        f"decide {held['max_flip_rate']:.2%} of rows otherwise, at most; a loss counts where its 95 % interval "
        "excludes 0. Times are those of one row, on the machine that ran the evaluation."
    )
    variants = run.variants
    reasons = [f"{name}: {' '.join(why)}" for name, why in variants.rejected()]
    instead: list[Part] = [Tabulated(variants.quality()), Tabulated(variants.costs())]
    if reasons:
        instead.append(Bullets(reasons))
    return Topic("Device models", "devices", [said, Pictured(variants, instead)])
