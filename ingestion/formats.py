"""Which reader takes a file, by the file's name."""

import re
from pathlib import Path

from ingestion.block import Reader
from schema.errors import InputError

KNOWN = "*.csv, *.csv.gz, *.parquet, *.tfrecord, *.tfrecord.gz or TFX's data_tfrecord-*.gz"
# Shards as Beam and TFX number them: examples.tfrecord-00000-of-00004.gz, data_tfrecord-00000-of-00004.gz.
_TFRECORD = re.compile(r".*\.tfrecords?(-\d+-of-\d+)?(\.gz)?|data_tfrecord-\d+-of-\d+(\.gz)?")


def reader_of(path: Path) -> Reader:
    """The reader of the file's format.

    Raises:
        InputError: naming the formats there are, if the name is of none.
    """
    # Imported on use: TFRecord needs TensorFlow, which a look at the headers of CSV files should not wait for.
    if path.name.endswith((".csv", ".csv.gz")):
        from ingestion import csv_reader

        return csv_reader
    if path.name.endswith(".parquet"):
        from ingestion import parquet_reader

        return parquet_reader
    if _TFRECORD.fullmatch(path.name):
        from ingestion import tfrecord_reader

        return tfrecord_reader
    raise InputError(f"{path}: a file of unknown kind. Expected a name such as {KNOWN}")
