"""The split rule: TFX's own, and the same for equal values wherever they stand."""

import random
import tracemalloc

import numpy as np
import pytest
import tensorflow as tf

from ingestion.splits import SPLITS, assign, feature_bytes
from schema.problem import Split

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
def test_a_value_is_serialized_as_by_tensorflow(values: list[bytes | int]) -> None:
    for value in values:
        assert feature_bytes(value) == feature(value).SerializeToString(deterministic=True)


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
