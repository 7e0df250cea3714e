"""Markdown that shows what it was given: read again by a parser, each text is what it was."""

from html.parser import HTMLParser

import pytest
from markdown_it import MarkdownIt

from reports.render.html import Column, Table, number, words
from reports.render.markdown import bullets, code, escaped, heading, paragraph, table

HOSTILE = [
    "carrier=<script>alert(1)</script>",
    "a|b `rm -rf` |",
    "**bold** _slanted_ ~~struck~~ $x^2$",
    "[here](https://example.com) and ![a picture](x.png)",
    "[a]: https://example.com",
    "[^1] and [x] done",
    "&lt; &amp; AT&T &#60;",
    "back\\slash \\| \\` ends in \\",
    "nyc_flights, __init__ and _x",
    "<b>not bold</b> 3 < 4 > 2",
]
# What begins a block where it begins a line.
BEGINNINGS = ["# no heading", "- no list", "+ no list", "12. no list", "3) no list", "> no quote", "=== ---", "--- ==="]


class Seen(HTMLParser):
    """The tags of a page, and the text that a person sees."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """A tag."""
        del attrs
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        """Text."""
        self.text += data


def seen(markdown: str) -> Seen:
    """The text as a code host shows it."""
    return Seen(MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(markdown))


@pytest.mark.parametrize("text", [*HOSTILE, *BEGINNINGS])
def test_a_paragraph_is_the_text_and_nothing_else(text: str) -> None:
    found = seen(paragraph(text))
    assert (found.tags, found.text.strip()) == (["p"], text)


@pytest.mark.parametrize("text", HOSTILE)
def test_a_cell_is_the_text_and_ends_no_row(text: str) -> None:
    found = seen(table(Table("t", [Column("a", is_number=False), Column("b")], [[words(text), number(1.5, ".2f")]])))
    assert found.tags == ["table", "thead", "tr", "th", "th", "tbody", "tr", "td", "td"]
    assert text in found.text
    assert "1.50" in found.text


@pytest.mark.parametrize("text", [*HOSTILE, *BEGINNINGS])
def test_a_heading_and_an_item_of_a_list_are_the_text(text: str) -> None:
    found = seen(heading(text, 2))
    assert (found.tags, found.text.strip()) == (["h2"], text)
    found = seen(bullets([text, "more"]))
    assert (found.tags, found.text.split("\n")[1:3]) == (["ul", "li", "li"], [text, "more"])


def test_a_long_text_stays_one_paragraph_wherever_its_lines_break() -> None:
    text = " ".join(f"word {beginning}" for beginning in BEGINNINGS * 9)
    found = seen(paragraph(text))
    assert found.tags == ["p"]
    assert " ".join(found.text.split()) == text
    assert max(len(line) for line in paragraph(text).splitlines()) <= 101


def test_a_value_of_several_lines_is_one_line_and_commands_no_terminal() -> None:
    assert escaped("a\n\n# b\r\nc") == "a # b c"
    assert escaped("\x1b[31mred\x07") == "\N{REPLACEMENT CHARACTER}[31mred\N{REPLACEMENT CHARACTER}"
    # What would turn the reading of a line round.
    assert escaped("abc\u202edef") == "abc\N{REPLACEMENT CHARACTER}def"


def test_code_holds_any_fence() -> None:
    text = 'a = "```"\n````\n<b>'
    found = seen(code(text, "python"))
    assert (found.tags, found.text.rstrip("\n")) == (["pre", "code"], text)


def test_columns_stand_under_each_other() -> None:
    shown = Table("t", [Column("name", is_number=False), Column("rows")], [[words("a"), number(12.0, ",.0f")]])
    assert table(shown).splitlines() == ["| name | rows |", "| ---- | ---: |", "| a    |   12 |"]


def test_what_is_marked_by_colour_is_marked_by_a_sign() -> None:
    shown = Table("t", [Column("x", is_number=False)], [[words("missed", "bad")], [words("held", "good")]])
    assert table(shown).splitlines()[2:] == ["| ✗ missed |", "| ✓ held |"]
