"""Slices of a few literal rows."""

from typing import Any

import pyarrow as pa
import pytest
from tensorflow_model_analysis.proto import config_pb2
from tensorflow_model_analysis.slicer import slicer_lib

from evaluation.slices import RowSlices, SliceKey, row_slices, slice_features
from schema.errors import InputError

SITE = pa.array([[b"north"], None, [b"\xc3\xb6"], [b"north"], []], pa.large_list(pa.large_binary()))
WEEK = pa.array([[2], [2], [1], None, [1]], pa.large_list(pa.int64()))
ACID = pa.array([[0.1], [0.1], None, [6.5], [0.1]], pa.large_list(pa.float32()))
COLUMNS = {"site": SITE, "week": WEEK, "acid": ACID}


def by_slice(found: RowSlices) -> dict[SliceKey, list[int]]:
    rows: dict[SliceKey, list[int]] = {key: [] for key in found.keys}
    for row, place in zip(found.row.tolist(), found.place.tolist(), strict=True):
        rows[found.keys[place]].append(row)
    return rows


def test_the_whole_holds_every_row() -> None:
    assert by_slice(row_slices(COLUMNS, [()], 5)) == {(): [0, 1, 2, 3, 4]}


def test_a_row_without_the_feature_is_in_none_of_its_slices() -> None:
    assert by_slice(row_slices(COLUMNS, [("site",), ("week",)], 5)) == {
        (("site", "north"),): [0, 3],
        (("site", "ö"),): [2],
        (("week", 1),): [2, 4],
        (("week", 2),): [0, 1],
    }


def test_a_cross_needs_every_feature_and_names_them_in_order() -> None:
    features = slice_features([config_pb2.SlicingSpec(feature_keys=["week", "site"])])

    assert by_slice(row_slices(COLUMNS, features, 5)) == {
        (("site", "north"), ("week", 2)): [0],
        (("site", "ö"), ("week", 1)): [2],
    }


def test_keys_are_of_the_types_that_tfma_writes() -> None:
    keys = row_slices(COLUMNS, [("acid",), ("site", "week")], 5).keys

    for key in keys:
        assert slicer_lib.deserialize_slice_key(slicer_lib.serialize_slice_key(key)) == key
    # A float32, since that is what an example holds.
    assert (("acid", 0.10000000149011612),) in keys


def test_a_list_given_twice_counts_once() -> None:
    specs = [config_pb2.SlicingSpec(), *[config_pb2.SlicingSpec(feature_keys=names) for names in ("ab", "ba")]]

    assert slice_features(specs) == [(), ("a", "b")]


def test_no_list_at_all_is_the_whole() -> None:
    assert slice_features([]) == [()]


@pytest.mark.parametrize(
    ("column", "said"),
    [
        (
            pa.array([[b"a", b"b"], [b"c"]], pa.large_list(pa.large_binary())),
            r"slice by 'site': expected at most one value a row\. Received: several in 1 rows",
        ),
        (
            pa.array([[b"\xff"], None], pa.large_list(pa.large_binary())),
            r"slice by 'site': expected UTF-8 text\. Received: b'\\xff'",
        ),
    ],
)
def test_what_has_no_slice_is_refused(column: Any, said: str) -> None:
    with pytest.raises(InputError, match=said):
        row_slices({"site": column}, [("site",)], 2)
