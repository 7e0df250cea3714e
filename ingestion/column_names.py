"""The columns that a file has against those of the schema."""

from collections.abc import Iterable, Sequence

from schema.closed import nearest
from schema.errors import InputError


def check_names(names: Sequence[str], known: Iterable[str], where: str) -> None:
    """Compares names, in the file's order, with the schema's.

    Raises:
        InputError: beginning with `where`, naming the column that is absent, unknown or given twice.
    """
    expected = list(known)
    for name in names:
        if name not in expected:
            raise InputError(f"{where}: column {name!r} is not in the schema.{nearest(name, expected)}")
        if names.count(name) > 1:
            raise InputError(f"{where}: column '{name}' is given twice")
    absent = [name for name in expected if name not in names]
    if absent:
        raise InputError(f"{where}: column '{absent[0]}' of the schema is missing. Received: {', '.join(names)}")
