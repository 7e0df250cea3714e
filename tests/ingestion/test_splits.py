"""The split rule: TFX's own, and the same for equal values wherever they stand."""

import random
import tracemalloc

import numpy as np
import pyarrow as pa
import pytest
import tensorflow as tf

from ingestion.examples import encoded, example_encoder
from ingestion.splits import SPLITS, assign, split_numbers
from schema.problem import Split
from tests.ingestion.span_case import SCHEMA

BYTES = [
    *[f"2013-{month:02d}-{day:02d}".encode() for month in range(1, 13) for day in range(1, 11)],
    *[b"", b"a", b"a\0", b"a\0\0", b"\0", b"\xff\xfe", "東京".encode(), b"x" * 127, b"x" * 128, b"x" * 20_000],
]
INTEGERS = [*range(-30, 70), 127, 128, 2**31, 2**32 - 1, 2**63 - 1, -(2**63), -1]
KEYS = pytest.mark.parametrize("values", [BYTES, INTEGERS], ids=["bytes", "integers"])


def feature(value: bytes | int) -> tf.train.Feature:
    """One value as TensorFlow's own record."""
    if isinstance(value, bytes):
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))
    return tf.train.Feature(int64_list=tf.train.Int64List(value=[value]))


@KEYS
@pytest.mark.parametrize("split", [Split(key="k"), Split(key="k", train=1, eval=1, test=1), Split(key="k", train=97)])
def test_the_split_is_tfxs_own(values: list[bytes | int], split: Split) -> None:
    from tfx.components.example_gen import base_example_gen_executor
    from tfx.proto import example_gen_pb2

    ends = [split.train, split.train + split.eval, split.train + split.eval + split.test]
    config = example_gen_pb2.SplitConfig(partition_feature_name="k")

    def by_tfx(value: bytes | int) -> int:
        example = tf.train.Example(features=tf.train.Features(feature={"k": feature(value)}))
        number: int = base_example_gen_executor._PartitionFn(example, len(ends), ends, config)
        return number

    assert assign(values, split).tolist() == [by_tfx(value) for value in values]


@KEYS
def test_equal_values_share_a_split_whatever_stands_around_them(values: list[bytes | int]) -> None:
    alone = {value: assign([value], Split()).item() for value in values}
    shuffled = random.Random(1).sample(values * 3, k=2 * len(values))

    assert assign(shuffled, Split()).tolist() == [alone[value] for value in shuffled]


def test_splits_take_their_share_of_the_values() -> None:
    numbers = assign(list(range(20_000)), Split(train=7, eval=1, test=2))

    assert SPLITS == ("train", "eval", "test")
    assert np.bincount(numbers) / len(numbers) == pytest.approx([0.7, 0.1, 0.2], abs=0.01)


def test_a_wider_eval_takes_rows_of_test_alone() -> None:
    before, after = assign(BYTES, Split(train=7, eval=1, test=2)), assign(BYTES, Split(train=7, eval=2, test=1))

    assert ((before == 0) == (after == 0)).all()
    assert (after[before == 1] == 1).all()


def test_no_value_has_no_split() -> None:
    numbers = assign([], Split())

    assert (numbers.shape, numbers.dtype) == ((0,), np.int8)


def test_a_long_value_does_not_make_room_for_itself_in_every_row() -> None:
    values = [b"x" * 100_000, *[b"%d" % value for value in range(5_000)]]
    tracemalloc.start()
    assign(values, Split())
    peak_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert peak_bytes < 10_000_000  # an array of bytes, as wide as the longest, would take 500 MB


ROWS = pa.table(
    {
        "stop": pa.array([*range(-30, 70), None]),
        "day": pa.array([*(f"day-{number % 9}" for number in range(100)), "x"]),
        "rain": pa.array([*(number / 3 for number in range(100)), None], pa.float32()),
        "late": pa.array([0, 1] * 50 + [1]),
    }
)


@pytest.mark.parametrize("key", ["day", "late", None])
@pytest.mark.parametrize("split", [Split(), Split(train=1, eval=1, test=1), Split(train=3, eval=90, test=97)])
def test_whole_columns_are_split_as_tfx_splits_their_examples(key: str | None, split: Split) -> None:
    from tfx.components.example_gen import base_example_gen_executor
    from tfx.proto import example_gen_pb2

    ends = [split.train, split.train + split.eval, split.train + split.eval + split.test]
    config = example_gen_pb2.SplitConfig(partition_feature_name=key)
    examples = map(tf.train.Example.FromString, encoded(ROWS, example_encoder(SCHEMA)))

    numbers = split_numbers(ROWS, split.model_copy(update={"key": key})).tolist()

    assert numbers == [base_example_gen_executor._PartitionFn(example, 3, ends, config) for example in examples]
    assert len(set(numbers)) > 1 or key == "late"


@pytest.mark.parametrize("key", ["day", None])
def test_the_split_of_a_row_does_not_hang_on_the_batch(key: str | None) -> None:
    whole = split_numbers(ROWS, Split(key=key)).tolist()

    parts = [split_numbers(ROWS.slice(start, 7), Split(key=key)).tolist() for start in range(0, 101, 7)]

    assert [number for part in parts for number in part] == whole
