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
    """Whole rows: their first byte and first line in the file, and their bytes."""

    offset: int
    line: int
    content: bytes


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
        end = row_end(content)
        if not end and len(content) > LONGEST_ROW:
            raise LongRowError(Piece(offset, line, content))
        piece, content = Piece(offset, line, content[:end]), content[end:]
        if not _is_blank(piece.content):
            yield piece
        offset, line = offset + end, line + count_lines(piece.content)
    if not _is_blank(content):
        yield Piece(offset, line, content)


def _is_blank(content: bytes) -> bool:
    return re.search(rb"[^\r\n]", content) is None


def row_end(content: bytes) -> int:
    """The end of the last row that is whole for sure, in a text that begins with a row; 0 if there is none."""
    quotes = quote_ends(content) if b'"' in content else np.empty(0, np.int64)
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
    characters = np.frombuffer(content, np.uint8)
    quotes = np.flatnonzero(characters == _QUOTE)
    opening = quotes[::2]
    before = np.where(opening == 0, _LINE_FEED, characters[opening - 1])
    # Where each second quote begins a cell, or doubles the one before it, quotes simply alternate.
    if np.isin(before, (_COMMA, _LINE_FEED, _RETURN, _QUOTE)).all():
        return quotes
    return _exact_quote_ends(content)


def _exact_quote_ends(content: bytes) -> NDArray[Any]:
    cells = _QUOTED.finditer(content)
    ends = [end for cell in cells for end in (cell.start(), cell.end() - 1 if cell[1] else len(content))]
    return np.array(ends, np.int64)
