"""State goes into JSON and comes back the same; classes that are not listed do not."""

import json
import math
from collections import Counter
from typing import Any

import numpy as np
import pytest

from schema.state_codec import StateCodec


class Plain:
    def __init__(self, value: Any) -> None:
        self.value = value


class Slotted:
    __slots__ = ("left", "right")

    def __init__(self, left: Any, right: Any) -> None:
        self.left, self.right = left, right


class Own:
    """As an object of an extension module: its state is bytes."""

    content = b""

    def __getstate__(self) -> bytes:
        return self.content

    def __setstate__(self, content: bytes) -> None:
        self.content = content


CODEC = StateCodec(Plain, Slotted, Own)


def copy(value: Any) -> Any:
    return CODEC.decode(CODEC.encode(value))


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        0,
        2**70,
        -0.1,
        5e-324,
        math.inf,
        "\ud800ö",
        b"\0\xff",
        [1, [2.0, ()]],
        ("a", b"a", 1),
        {("x", 1): {b"y": None}, 2: []},
        Counter({b"clay": 3, b"loam": 0}),
    ],
)
def test_plain_values_come_back_with_their_types(value: Any) -> None:
    found = copy(value)
    assert found == value
    assert type(found) is type(value)
    assert repr(found) == repr(value)


@pytest.mark.parametrize("value", [np.float32(0.1), np.int64(-(2**63)), np.float64(math.inf), np.bool_(1)])
def test_a_number_of_numpys_keeps_its_type(value: Any) -> None:
    assert copy(value) == value
    assert copy(value).dtype == value.dtype
    assert np.isnan(copy(np.float32("nan")))


def test_an_array_keeps_type_and_shape() -> None:
    found = copy(np.arange(6, dtype=np.float32).reshape(2, 3))
    assert found.dtype == np.float32
    assert found.tolist() == [[0, 1, 2], [3, 4, 5]]
    found += 1
    with pytest.raises(TypeError, match="object"):
        CODEC.encode(np.array([None]))


def test_objects_keep_attributes_slots_and_a_state_of_their_own() -> None:
    own = Own()
    own.content = b"\1\2"
    found = copy(Plain([Slotted(1, Plain(own)), None]))
    assert (found.value[0].left, found.value[0].right.value.content, found.value[1]) == (1, b"\1\2", None)
    assert type(found.value[0]) is Slotted


def test_a_class_that_is_not_listed_is_neither_written_nor_made() -> None:
    with pytest.raises(TypeError, match=r"Received: .*test_state_codec\.Slotted"):
        StateCodec(Plain).encode(Plain(Slotted(1, 2)))
    with pytest.raises(ValueError, match=r"Received: .*test_state_codec\.Slotted"):
        StateCodec(Plain).decode(CODEC.encode(Plain(Slotted(1, 2))))
    with pytest.raises(ValueError, match=r"Received: os\.system"):
        CODEC.decode(json.dumps({"object": ["os.system", "true"]}).encode())
    with pytest.raises(ValueError, match="Received: call"):
        CODEC.decode(b'{"call": []}')
