"""Typed rows to tf.Examples on disk."""

from pathlib import Path

import pyarrow as pa

from ingestion.csv_reader import read_csv
from ingestion.examples import BATCH_ROWS, as_lists, write_examples
from schema.rows import columns
from tests.ingestion.span_case import SCHEMA, rows_of, shards, write_csv


def test_a_missing_value_is_a_null_list(tmp_path: Path) -> None:
    file = write_csv(tmp_path, "Mon,1,,1", ",,2.5,0")
    batch = read_csv(file, columns(SCHEMA)).to_batches()[0]

    assert as_lists(batch).to_pydict() == {
        "day": [[b"Mon"], None],
        "stop": [[1], None],
        "rain": [None, [2.5]],
        "late": [[1], [0]],
    }


def test_rows_beyond_one_batch_are_all_there_in_order(tmp_path: Path) -> None:
    stops = list(range(BATCH_ROWS + 100))

    write_examples(pa.table({"stop": stops}), SCHEMA, tmp_path / "Split-train")

    assert [path.name for path in shards(tmp_path, "train")] == ["data_tfrecord-00000-of-00001.gz"]
    assert [row["stop"] for row in rows_of(tmp_path, "train")] == stops
