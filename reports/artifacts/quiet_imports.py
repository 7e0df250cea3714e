"""TFMA, TFDV and TensorFlow without the noise they make when they are imported."""

import logging
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quietly() -> Iterator[None]:
    """Keeps what native libraries write to standard error out of notebook and terminal, unless the work fails.

    It is meant for the imports and loaders of one function; what other threads write meanwhile is kept back as well.
    """
    # TensorFlow reads it when it is imported.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    # A filter, since TensorFlow sets the logger's level when it is imported in a notebook.
    logging.getLogger("tensorflow").addFilter(_is_error)
    sys.stderr.flush()
    with tempfile.TemporaryFile() as kept:
        own = os.dup(2)
        os.dup2(kept.fileno(), 2)
        try:
            yield
        except BaseException:
            kept.seek(0)
            os.write(own, kept.read())
            raise
        finally:
            os.dup2(own, 2)
            os.close(own)


def _is_error(record: logging.LogRecord) -> bool:
    """False of what TFMA's loaders are warned of: that they call what TensorFlow deprecates."""
    return record.levelno >= logging.ERROR
