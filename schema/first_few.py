"""Many texts in one line of a message."""

from collections.abc import Sequence


def first_few(texts: Sequence[str], limit: int, separator: str = "; ") -> str:
    """The first `limit` texts, and how many more there are.

    Args:
        texts: one or more.
        limit: 1 or more.
        separator: between two.
    """
    more = len(texts) - limit
    return separator.join(texts[:limit]) + (f" and {more} more" if more > 0 else "")
