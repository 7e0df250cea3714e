"""CSV text cut after whole rows, without parsing it: a line end inside a quoted cell ends no row."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from ingestion.csv_text import count_lines

LONGEST_ROW = 1 << 24  # bytes
_QUOTE, _LINE_FEED, _RETURN, _COMMA = b'"\n\r,'
# A quote opens a cell only where the cell begins; elsewhere it is a character like others. Group 1 closes it.
_QUOTED = re.compile(rb'(?<![^,\r\n])"(?:[^"]++|"")*+("?)')


@dataclass(frozen=True)
class Piece:
    """Whole rows: their first byte and first line in the file, their bytes, and their number by line ends."""

    offset: int
    line: int
    content: bytes
    rows: int = 0


class LongRowError(Exception):
    """A row longer than LONGEST_ROW, which begins the piece; what follows cannot be cut."""

    def __init__(self, piece: Piece) -> None:
        super().__init__(piece.line)
        self.piece = piece


def pieces(stream: BinaryIO, size: int, offset: int, line: int) -> Iterator[Piece]:
    """Pieces of about `size` bytes of a stream that stands at the beginning of a row, without pieces of blank lines.

    Args:
        stream: read to its end, `size` bytes at a time.
        size: bytes; a longer row makes a longer piece.
        offset: where the stream stands in its file.
        line: the file's line there.

    Raises:
        LongRowError: at a row longer than LONGEST_ROW.
    """
    content = b""
    while fresh := stream.read(size):
        content += fresh
        quotes = quote_ends(content)
        end = row_end(content, quotes)
        if not end and len(content) > LONGEST_ROW:
            raise LongRowError(Piece(offset, line, content))
        whole, content = content[:end], content[end:]
        rows = count_rows(whole, quotes)
        if rows:
            yield Piece(offset, line, whole, rows)
        offset, line = offset + end, line + count_lines(whole)
    rows = count_rows(content, quote_ends(content))
    if rows:
        yield Piece(offset, line, content, rows)


def count_rows(content: bytes, quotes: NDArray[Any]) -> int:
    """Rows of a text of whole rows: lines that are not blank, of which the last may lack its end.

    It is made without the parser, whose rows are compared with it.

    Args:
        content: begins with a row.
        quotes: see quote_ends; those beyond the content are of no account.
    """
    if not content:
        return 0
    characters = np.frombuffer(content, np.uint8)
    ends = characters == _LINE_FEED
    if b"\r" in content:
        ends |= characters == _RETURN
    if len(quotes):
        _leave_quoted(ends, _marked(characters, quotes))
    # A line that is not blank has a character before its end that is no line end; so has the CR of a CR LF.
    return int(np.count_nonzero(ends[1:] > ends[:-1])) + int(not ends[-1])


def _marked(characters: NDArray[Any], quotes: NDArray[Any]) -> NDArray[Any]:
    """Mask of the quotes that open or close; shape [characters]."""
    marked: NDArray[Any] = characters == _QUOTE
    own = quotes[: np.searchsorted(quotes, len(characters))]
    if np.count_nonzero(marked) != len(own):
        marked = np.zeros(len(characters), np.bool_)
        marked[own] = True
    return marked


def _leave_quoted(ends: NDArray[Any], quotes: NDArray[Any]) -> None:
    """Takes the line ends inside quoted cells out of a mask of line ends; both masks have shape [characters]."""
    places = np.flatnonzero(ends)
    if len(places):
        # An odd number of quotes before a line end: it lies in a quoted cell.
        until_last = quotes[: places[-1] + 1].view(np.uint8)
        by_line = np.bitwise_xor.reduceat(until_last, np.append(0, places[:-1]))
        ends[places[np.bitwise_xor.accumulate(by_line) == 1]] = False


def row_end(content: bytes, quotes: NDArray[Any]) -> int:
    """The end of the last row that is whole for sure, in a text that begins with a row; 0 if there is none.

    Args:
        content: begins with a row.
        quotes: see quote_ends.
    """
    end = _line_end(content, len(content))
    while end:
        before = int(np.searchsorted(quotes, end))
        if before % 2 == 0:
            break
        end = _line_end(content, int(quotes[before - 1]))
    return end


def _line_end(content: bytes, stop: int) -> int:
    """The end of the last line that ends before `stop`; 0 if there is none."""
    # A CR that is last may be half of a CR LF.
    last_return = content.rfind(b"\r", 0, min(stop, len(content) - 1)) if b"\r" in content else -1
    return max(content.rfind(b"\n", 0, stop), last_return) + 1


def quote_ends(content: bytes) -> NDArray[Any]:
    """Positions of quotes, opening and closing in turn, in a text that begins with a row; shape [quotes], int64.

    Doubled quotes count as a close and an open, which changes nothing of what lies inside.
    """
    if b'"' not in content:
        return np.empty(0, np.int64)
    characters = np.frombuffer(content, np.uint8)
    quotes = np.flatnonzero(characters == _QUOTE)
    # The text's first byte has none before it.
    opening = quotes[2 if quotes[0] == 0 else 0 :: 2]
    # Where each second quote begins a cell, or doubles the one before it, quotes simply alternate.
    before = characters.take(opening - 1)
    if ((before == _COMMA) | (before == _LINE_FEED) | (before == _RETURN) | (before == _QUOTE)).all():
        return quotes
    return _exact_quote_ends(content)


def _exact_quote_ends(content: bytes) -> NDArray[Any]:
    cells = _QUOTED.finditer(content)
    ends = [end for cell in cells for end in (cell.start(), cell.end() - 1 if cell[1] else len(content))]
    return np.array(ends, np.int64)
