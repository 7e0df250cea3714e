"""The model card: what a released model is, in a page for people and in Markdown for terminals and code hosts.

Nothing in it is of one run alone: the same model, data and verdicts give the same bytes.
"""

from pathlib import Path

from reports.card.card_files import HTML, MARKDOWN
from reports.card.topics.data import data
from reports.card.topics.devices import devices
from reports.card.topics.evaluation import evaluation
from reports.card.topics.features import features
from reports.card.topics.lineage import lineage
from reports.card.topics.loading import loading
from reports.card.topics.purpose import limits, purpose
from reports.card.topics.training import training
from reports.card.topics.verdicts import verdicts
from reports.page.report import whole_page
from reports.render import markdown
from reports.render.html import Column, Table, render, words
from reports.render.parts import Topic
from reports.runs.run import Run

TOPICS = (purpose, limits, evaluation, verdicts, data, features, training, devices, loading, lineage)


def write_model_card(run: Run, folder: Path) -> None:
    """Writes both files into a folder.

    Args:
        run: made from the artifacts alone, see run_of_artifacts; its config has what card_scope keeps.
        folder: is made if it is not there.
    """
    topics = [topic(run) for topic in TOPICS]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / HTML).write_text(card_page(run, topics), encoding="utf-8")
    (folder / MARKDOWN).write_text(card_markdown(run, topics), encoding="utf-8")


def card_page(run: Run, topics: list[Topic]) -> str:
    """The self-contained page."""
    content = render("card.html", page=True, verdict=run.verdict, topics=topics)
    return whole_page(f"Model card: {run.title}", content)


def card_markdown(run: Run, topics: list[Topic]) -> str:
    """The same without pictures."""
    blocks = [markdown.heading(run.title, 1), *_verdict(run)]
    for topic in topics:
        shown = [part.markdown() for part in topic.parts]
        blocks += [markdown.heading(topic.title, 2), *(block for block in shown if block)]
    return "\n\n".join(blocks) + "\n"


def _verdict(run: Run) -> list[str]:
    verdict = run.verdict
    figures = [Column("figure", is_number=False), Column("value", is_number=False)]
    glance = Table("At a glance", figures, [[words(label), cell] for cell, label in verdict.tiles()])
    name = run.config["problem"]["name"]
    told = [markdown.paragraph(f"Model card of {name}."), f"**{markdown.escaped(verdict.head()[1])}**"]
    reasons = verdict.reasons()
    warnings = [f"Warning: {warning}" for warning in verdict.warnings()]
    listed = [markdown.bullets(items) for items in (reasons, warnings) if items]
    return [*told, *listed, markdown.table(glance)]
