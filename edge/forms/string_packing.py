"""Strings as int32 words of fixed number, which every runtime can take and compare."""

from collections.abc import Sequence

import numpy as np

from edge.runtime.litert_model import Array

_BYTES = 4
# Four bytes of 255. No term has as many words of them, since the last byte of its last word is 0.
_NO_TERM = -1


def words_for(terms: Sequence[bytes]) -> int:
    """Words that tell these terms from each other and from any other string: the longest term and a byte more."""
    return max((len(term) for term in terms), default=0) // _BYTES + 1


def pack(strings: Sequence[bytes], words: int) -> Array:
    """The strings' first bytes as numbers.

    Args:
        strings: N strings, UTF-8 or any other bytes.
        words: W, 1 or more.

    Returns:
        int32 [N, W]: four bytes a word, the first the lowest; zeros follow a shorter string, and what is beyond 4 W
        bytes is left out. A string with a zero byte, which padding would hide, has words of -1, so that it is unseen.
    """
    packed = np.zeros((len(strings), words * _BYTES), np.uint8)
    for row, string in enumerate(strings):
        kept = np.frombuffer(string[: words * _BYTES], np.uint8)
        packed[row, : len(kept)] = kept
    found = packed.view("<i4").astype(np.int32)
    found[[b"\0" in string for string in strings]] = _NO_TERM
    return found
