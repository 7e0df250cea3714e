"""Packing: four bytes a word, and enough words to know a term from what is longer."""

import numpy as np
import pytest

from edge.forms.string_packing import pack, words_for


@pytest.mark.parametrize(
    ("terms", "words"),
    [([], 1), ([b""], 1), ([b"UA", b"AAA"], 1), ([b"AAAA"], 2), ([b"A" * 7], 2), ([b"A" * 8], 3), (["é".encode()], 1)],
)
def test_a_word_more_than_the_longest_term_fills(terms: list[bytes], words: int) -> None:
    assert words_for(terms) == words


def test_the_first_byte_is_the_lowest() -> None:
    packed = pack([b"A", b"AB", b"ABCD", b"ABCDE", b""], 2)
    assert packed.dtype == np.int32
    assert packed.tolist() == [
        [0x41, 0],
        [0x4241, 0],
        [0x44434241, 0],
        [0x44434241, 0x45],
        [0, 0],
    ]


def test_bytes_over_127_make_negative_words() -> None:
    assert pack([b"\0\0\0\xff"[::-1], b"AAA\xff"], 1).tolist() == [[-1], [-0x1000000 + 0x414141]]


def test_what_is_too_long_is_cut() -> None:
    assert pack([b"ABCDEFGHI"], 2).tolist() == pack([b"ABCDEFGH"], 2).tolist()


def test_zero_bytes_are_no_padding() -> None:
    assert pack([b"AA\0", b"\0", b"AA"], 2).tolist() == [[-1, -1], [-1, -1], [0x4141, 0]]


def test_no_strings() -> None:
    assert pack([], 3).shape == (0, 3)
