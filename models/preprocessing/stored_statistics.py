"""An Analysis in a file: its state, with a checksum."""

import zlib
from pathlib import Path

from tfx_bsl import sketches

from models.preprocessing.training_statistics import Analysis, Moments, Numbers
from schema.checked_file import read_checked, write_checked
from schema.state_codec import StateCodec

# The sketch's state is a protocol buffer of tfx_bsl's own, as bytes.
_CODEC = StateCodec(Analysis, Numbers, Moments, sketches.QuantilesSketch)


def write_analysis(path: Path, analysis: Analysis) -> Path:
    """Keeps an analysis, whole or not at all; it can go on as before."""
    return write_checked(path, zlib.compress(_CODEC.encode(analysis)))


def read_analysis(path: Path) -> Analysis:
    """The analysis that `write_analysis` kept.

    Raises:
        FileNotFoundError: if there is none.
        DamagedFileError: if the file holds anything else.
    """
    analysis: Analysis = _CODEC.decode(zlib.decompress(read_checked(path)))
    return analysis
