"""A view, or the sentence that stands in its place."""

import pytest

from reports import shown
from reports.render.html import Absent, View
from schema.errors import InputError


def test_what_is_there_is_shown() -> None:
    view = Absent("a title", "a reason")

    assert shown(lambda: view) is view


def test_what_is_lacking_is_a_sentence() -> None:
    def absent() -> View:
        raise InputError("run 7 has no <drift>")

    assert "run 7 has no &lt;drift&gt;" in shown(absent)._repr_html_()


def test_a_mistake_stays_one() -> None:
    with pytest.raises(ZeroDivisionError):
        shown(lambda: 1 / 0)  # type: ignore[arg-type, return-value]


def test_a_notebook_keeps_the_html_and_no_dump_of_the_record() -> None:
    bundle = Absent("a title", "a reason")._repr_mimebundle_(include=None, exclude=None)

    assert bundle["text/plain"] == "Absent, to be seen as HTML"
    assert "a reason" in bundle["text/html"]
