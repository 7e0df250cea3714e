"""Where CSV text may be cut: after rows that are whole, by a reader of one character at a time."""

import io
import random

import pytest

from ingestion.csv_blocks import LongRowError, Piece, count_rows, pieces, quote_ends, row_end
from ingestion.csv_text import count_lines


def slow_row_end(text: bytes) -> int:
    """The end of the last row that is whole."""
    ends, _ = slow_row_ends(text)
    return ends[-1] if ends else 0


def slow_row_ends(text: bytes) -> tuple[list[int], int]:
    """Ends of lines outside quoted cells, and how many of these lines are not blank, the last without an end included.

    The rule itself, a character at a time: a quote opens a cell only where the cell begins.
    """
    quoted, begins, place = False, True, 0
    ends: list[int] = []
    rows, blank = 0, True
    while place < len(text):
        character, after = text[place : place + 1], text[place + 1 : place + 2]
        ended = not quoted and character in b"\r\n"
        rows += ended and not blank
        blank = ended
        if quoted:
            if character == b'"' and after == b'"':
                place += 1
            elif character == b'"':
                quoted = False
        elif character == b'"' and begins:
            quoted, begins = True, False
        elif character == b"\n" or (character == b"\r" and after not in (b"\n", b"")):
            begins = True
            ends.append(place + 1)
        else:
            begins = character in b",\r"
        place += 1
    return ends, rows + (not blank)


@pytest.mark.parametrize(
    ("text", "end"),
    [
        (b"", 0),
        (b"a,b", 0),
        (b"a,b\n", 4),
        (b"a\nb", 2),
        (b'"a\nb"', 0),
        (b'"a\nb"\n', 6),
        (b'"a\nb', 0),
        (b'x\n"a\nb', 2),
        (b'5" long\nb', 8),
        (b'5" long,6"\nb', 11),
        (b'"a""\n""b"\nc', 10),
        (b'"a"b"\nc', 6),
        (b"a\rb", 2),
        (b"a\r", 0),
        (b"a\r\nb", 3),
        (b"a\nb\r", 2),
        (b'a,""\nb', 5),
    ],
)
def test_the_last_row_that_is_whole_for_sure(text: bytes, end: int) -> None:
    assert slow_row_end(text) == end
    assert row_end(text, quote_ends(text)) == end


@pytest.mark.parametrize("alphabet", ['"a\n', '",a\n', '",\r\na', '"",a\n\r', "aaa\n,"])
def test_the_cut_is_that_of_a_reader_of_one_character_at_a_time(alphabet: str) -> None:
    chosen = random.Random(5)
    texts = ["".join(chosen.choices(alphabet, k=chosen.randrange(40))).encode() for _ in range(4000)]

    assert [row_end(text, quote_ends(text)) for text in texts] == [slow_row_end(text) for text in texts]
    assert [count_rows(text, quote_ends(text)) for text in texts] == [slow_row_ends(text)[1] for text in texts]


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        (b"", 0),
        (b"\n", 0),
        (b"\r\n\n\r", 0),
        (b"a", 1),
        (b"a\n", 1),
        (b"a\nb", 2),
        (b"a\r\nb\r\n", 2),
        (b"a\rb", 2),
        (b"\n\na\n\r\n\nb\n\n", 2),
        (b" \n", 1),
        (b'""\n', 1),
        (b'"a\nb"\nc\n', 2),
        (b'"\n"\n"\n\n"', 2),
        (b'"a""\n""b"\r\nc', 2),
        (b'5" long\n6"\n', 2),
        (b'5" long\n"6\n"\n', 2),
    ],
)
def test_rows_are_lines_that_are_not_blank_and_end_outside_quotes(text: bytes, rows: int) -> None:
    assert count_rows(text, quote_ends(text)) == rows


def test_quotes_beyond_the_text_do_not_count() -> None:
    text = b'"a\nb"\nc,"d\n"'

    assert count_rows(text[:6], quote_ends(text)) == 1


@pytest.mark.parametrize(
    ("text", "lines"), [(b"", 0), (b"a", 0), (b"a\n", 1), (b"a\r\nb\n", 2), (b"a\rb\r\n\r", 3), (b"\n\r", 2)]
)
def test_lines_end_as_in_pythons_text_files(text: bytes, lines: int) -> None:
    assert count_lines(text) == lines


@pytest.mark.parametrize("size", [1, 3, 8, 100])
def test_pieces_are_the_text_in_order_with_their_places(size: int) -> None:
    text = b'a,1\n"b\nb",2\r\nc,3\rd,4'
    found = list(pieces(io.BytesIO(text), size, offset=50, line=7))

    assert b"".join(piece.content for piece in found) == text
    for piece in found:
        start = piece.offset - 50
        assert text[start : start + len(piece.content)] == piece.content
        assert piece.line == 7 + count_lines(text[:start])


def test_a_piece_ends_with_a_row_and_is_no_longer_than_it_has_to_be() -> None:
    text = b'a,1\n"b\nb",2\nc,3\n'

    assert list(pieces(io.BytesIO(text), 5, 0, 1)) == [
        Piece(0, 1, b"a,1\n", 1),
        Piece(4, 2, b'"b\nb",2\n', 1),
        Piece(12, 4, b"c,3\n", 1),
    ]


@pytest.mark.parametrize("text", [b"\n" * 50, b"\r\n" * 50, b""])
def test_blank_lines_make_no_piece(text: bytes) -> None:
    assert list(pieces(io.BytesIO(text), 3, 0, 1)) == []
    assert [piece.line for piece in pieces(io.BytesIO(text + b"a\n"), 2, 0, 1)] == [count_lines(text) + 1]


def test_a_row_beyond_the_limit_stops_the_cutting_with_its_beginning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ingestion.csv_blocks.LONGEST_ROW", 20)
    stream = io.BytesIO(b'a\n"b' + b"\nc" * 1000)

    with pytest.raises(LongRowError) as caught:
        list(pieces(stream, 4, 0, 1))

    assert (caught.value.piece.offset, caught.value.piece.line) == (2, 2)
    assert stream.tell() < 50
