"""What a run has, or the sentence that says why it has not: for notebooks, which go on after either."""

from collections.abc import Callable

from reports.render.html import Absent, View
from schema.errors import InputError


def shown(view: Callable[[], View]) -> View:
    """The view, or in its place what the run lacks: `shown(lambda: run.drift)`."""
    try:
        return view()
    except InputError as error:
        return Absent("Nothing to show", str(error))
