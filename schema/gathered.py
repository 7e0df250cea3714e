"""Errors of one kind of look, told together: who mends them one at a time starts as often as there are errors."""

from collections.abc import Iterator
from contextlib import contextmanager

from schema.errors import InputError


class Gathered:
    """What was found so far, each message once."""

    def __init__(self) -> None:
        self._messages: dict[str, None] = {}

    @contextmanager
    def noted(self) -> Iterator[None]:
        """Notes an InputError of the block, and goes on behind it."""
        try:
            yield
        except InputError as error:
            self._messages[str(error)] = None

    @property
    def messages(self) -> list[str]:
        """What was noted, in order."""
        return list(self._messages)

    def raise_all(self) -> None:
        """Ends the look.

        Raises:
            InputError: with a line or more for each that was noted, if there is one.
        """
        if self._messages:
            raise InputError("\n".join(self._messages))
