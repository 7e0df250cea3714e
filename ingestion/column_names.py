"""The columns that a file has against those of the schema."""

from collections.abc import Iterable, Sequence

from schema.closed import nearest
from schema.errors import InputError


def check_names(names: Sequence[str], known: Iterable[str], where: str) -> None:
    """Compares names, in the file's order, with the schema's.

    Raises:
        InputError: with a line that begins with `where` for each column that is unknown or given twice, and one for
            those that are absent.
    """
    expected, found = list(known), []
    for name in dict.fromkeys(names):
        if name not in expected:
            found.append(f"column {name!r} is not in the schema.{nearest(name, expected)}")
        elif names.count(name) > 1:
            found.append(f"column '{name}' is given twice")
    absent = [f"'{name}'" for name in expected if name not in names]
    if absent:
        are = (
            f"column {absent[0]} of the schema is"
            if len(absent) == 1
            else f"columns {', '.join(absent)} of the schema are"
        )
        found.append(f"{are} missing. Received: {', '.join(names)}")
    if found:
        raise InputError("\n".join(f"{where}: {sentence}" for sentence in found))
