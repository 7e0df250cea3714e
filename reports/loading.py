"""TFMA, TFDV and TensorFlow without the noise they make when they are imported."""

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
    if "tensorflow_model_analysis" in sys.modules:
        _quiet_logger()
        yield
        return
    sys.stderr.flush()
    with tempfile.TemporaryFile() as kept:
        own = os.dup(2)
        os.dup2(kept.fileno(), 2)
        try:
            yield
            _quiet_logger()
        except BaseException:
            kept.seek(0)
            os.write(own, kept.read())
            raise
        finally:
            os.dup2(own, 2)
            os.close(own)


def _quiet_logger() -> None:
    """Of TensorFlow's messages only errors: TFMA's loaders call what TensorFlow deprecates."""
    if "tensorflow" in sys.modules:
        import tensorflow as tf

        tf.get_logger().setLevel("ERROR")
