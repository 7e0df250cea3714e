"""What a model card is made of: parts that show themselves in a page and in Markdown."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from reports.render import markdown
from reports.render.html import Column, Table, View, words


@dataclass(frozen=True)
class Part(View):
    """A piece of a card, for both of its forms."""

    def markdown(self) -> str:
        """The Markdown, without a line break at its end."""
        raise NotImplementedError


@dataclass(frozen=True)
class Paragraph(Part):
    """Some sentences."""

    template: ClassVar[str] = "paragraph.html"
    text: str

    def context(self) -> dict[str, Any]:
        """The text."""
        return {"text": self.text}

    def markdown(self) -> str:
        """Lines of prose."""
        return markdown.paragraph(self.text)


@dataclass(frozen=True)
class Bullets(Part):
    """A list of short texts."""

    template: ClassVar[str] = "bullets.html"
    items: Sequence[str]

    def context(self) -> dict[str, Any]:
        """The texts."""
        return {"items": self.items}

    def markdown(self) -> str:
        """A list."""
        return markdown.bullets(self.items)


@dataclass(frozen=True)
class Tabulated(Part):
    """A table."""

    template: ClassVar[str] = "tabulated.html"
    table: Table

    def context(self) -> dict[str, Any]:
        """The table."""
        return {"it": self.table}

    def markdown(self) -> str:
        """The same table."""
        return markdown.table(self.table)


@dataclass(frozen=True)
class Code(Part):
    """A piece of code."""

    template: ClassVar[str] = "code.html"
    text: str
    language: str = "python"

    def context(self) -> dict[str, Any]:
        """The text."""
        return {"text": self.text}

    def markdown(self) -> str:
        """A fenced block."""
        return markdown.code(self.text, self.language)


@dataclass(frozen=True)
class Pictured(Part):
    """A view of a report's, and the parts that stand for it where there are no pictures."""

    template: ClassVar[str] = "pictured.html"
    view: View
    instead: Sequence[Part] = ()

    def context(self) -> dict[str, Any]:
        """The view."""
        return {"view": self.view}

    def markdown(self) -> str:
        """The parts in its place; empty if there are none."""
        return "\n\n".join(part.markdown() for part in self.instead)


@dataclass(frozen=True)
class Topic:
    """A chapter of a card: its title, its name in links, and its parts."""

    title: str
    name: str
    parts: Sequence[Part]


def facts(title: str, values: Sequence[tuple[str, str]]) -> Tabulated:
    """A table of names and values; what has no value is left out."""
    columns = [Column("what", is_number=False), Column("value", is_number=False, wraps=True)]
    lines = [[words(name), words(value)] for name, value in values if value]
    return Tabulated(Table(title, columns, lines, sortable=False))
