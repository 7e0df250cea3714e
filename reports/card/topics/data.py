"""The rows that the model learnt and was judged on."""

from reports.render.parts import Paragraph, Part, Pictured, Tabulated, Topic
from reports.runs.run import Run


def data(run: Run) -> Topic:
    """Window, split, rows by span and split, and those at every boundary."""
    rows, split = run.rows, run.config["problem"]["split"]
    shares = ":".join(str(split[name]) for name in ("train", "eval", "test"))
    dealt = f"whole values of {split['key']}" if split["key"] else "single rows"
    said = Paragraph(
        f"Rows are dealt to train, eval and test as {shares}, by {dealt}. A span's content is named by a digest of it."
        + _sampled(run.config["sample_rows"])
    )
    total = Paragraph(f"{rows.total:,} rows of spans {rows.window}.")
    return Topic("Data", "data", [said, Pictured(rows, [total, Tabulated(rows.table())]), *_ledger(run)])


def _ledger(run: Run) -> list[Part]:
    """Rows at every boundary, of a model whose nodes counted them."""
    if not run.record.get("ledger"):
        return []
    return [Paragraph(run.ledger.summary), Tabulated(run.ledger.table())]


def _sampled(rows: int | None) -> str:
    return "" if rows is None else f" Of the data a seeded sample of about {rows:,} rows was used, and no more."
