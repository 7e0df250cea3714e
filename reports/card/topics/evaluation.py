"""How good the model is, on the whole test split and by slice."""

from reports.render.parts import Bullets, Paragraph, Part, Pictured, Tabulated, Topic
from reports.runs.run import Run
from reports.views.evaluation import NO_BASELINE, ON_INTERVALS, Evaluation


def evaluation(run: Run) -> Topic:
    """The report's own view; its tables and the worst slices where there are no pictures."""
    found = run.evaluation
    return Topic("Evaluation", "evaluation", [Pictured(found, [*_whole(found), *_slices(found)])])


def _whole(found: Evaluation) -> list[Part]:
    parts: list[Part] = [Tabulated(found.table())]
    if found.has_intervals:
        parts.append(Paragraph(ON_INTERVALS))
    if not found.has_baseline:
        parts.append(Paragraph(NO_BASELINE))
    return parts + [Paragraph(sentence) for sentence in found.undefined()]


def _slices(found: Evaluation) -> list[Part]:
    if len(found.slices) == 1:
        return []
    parts: list[Part] = []
    worst = [
        f"{one['name']}: {one['told']}, {one['difference']} against all rows, of {one['rows']} rows"
        + ("; apart from all rows by more than chance" if one["apart"] else "")
        for one in found.worst_slices()
    ]
    if worst:
        parts += [Paragraph(f"The worst slices of {found.min_slice_rows:,} rows or more:"), Bullets(worst)]
    few = sum(one.rows < found.min_slice_rows for one in found.slices[1:])
    if few:
        parts.append(
            Paragraph(
                f"{few} of {len(found.slices) - 1} slices have fewer than {found.min_slice_rows:,} rows and are not "
                "judged."
            )
        )
    return [*parts, Tabulated(found.slice_table())]
