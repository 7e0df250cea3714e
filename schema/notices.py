"""What a person should hear of a run that goes on: sentences for its log, its terminal and its record."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_LOG = logging.getLogger(__name__)


def notify(sentence: str) -> None:
    """Writes the sentence to the log as a warning, and tells it to those who collect this thread's notices."""
    # As an argument: the sentence may hold a percent sign.
    _LOG.warning("%s", sentence)


@contextmanager
def collected_notices() -> Iterator[list[str]]:
    """Gives a list that grows by each notice of this thread, once each, until the block ends."""
    collector = _Collector()
    _LOG.addHandler(collector)
    try:
        yield collector.sentences
    finally:
        _LOG.removeHandler(collector)


class _Collector(logging.Handler):
    """Keeps the messages of the thread that made it."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.sentences: list[str] = []
        self._thread = threading.get_ident()

    def emit(self, record: logging.LogRecord) -> None:
        """Keeps a message."""
        if record.thread == self._thread and record.getMessage() not in self.sentences:
            self.sentences.append(record.getMessage())
