"""CSV files of literal bytes to typed columns, and the file and line of whatever does not fit."""

import gzip
import pickle
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ingestion.block import BLOCK_BYTES, Rows
from ingestion.csv_reader import FIRST_BYTES, check, cut, first_rows, read_csv
from ingestion.csv_reader import read as read_block
from schema.errors import InputError
from schema.precision import Precision
from schema.rows import Column, Kind

COLUMNS = {
    "city": Column("city", Kind.STRING),
    "count": Column("count", Kind.INTEGER),
    "share": Column("share", Kind.NUMBER),
}
HEADER = b"city,count,share\n"
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where the file under test is written."""
    return tmp_path / "rows.csv"


def read(file: Path, body: str | bytes, header: bytes = HEADER) -> list[tuple[Any, ...]]:
    """The rows of a file with this content."""
    file.write_bytes(header + (body.encode() if isinstance(body, str) else body))
    return [tuple(row.values()) for row in read_csv(file, COLUMNS).to_pylist()]


def told(file: Path, body: str | bytes, header: bytes = HEADER) -> str:
    """What is said of a file with this content, without the folder."""
    with pytest.raises(InputError) as caught:
        read(file, body, header)
    return str(caught.value).replace(f"{file.parent}/", "")


def test_columns_have_the_schemas_types_and_order(file: Path) -> None:
    file.write_bytes(b"share,city,count\n0.5,Oslo,3\n")

    table = read_csv(file, COLUMNS)

    assert [(field.name, str(field.type)) for field in table.schema] == [
        ("city", "string"),
        ("count", "int64"),
        ("share", "float"),
    ]
    assert table.to_pylist() == [{"city": "Oslo", "count": 3, "share": 0.5}]


def test_an_empty_cell_is_missing_quoted_or_not(file: Path) -> None:
    assert read(file, ',,\n"","",""\n') == [(None, None, None), (None, None, None)]


@pytest.mark.parametrize("text", ["NA", "null", "None", "nan", "-", " ", "0", "true"])
def test_a_string_that_looks_like_nothing_is_itself(file: Path, text: str) -> None:
    assert read(file, f"{text},1,1\n") == [(text, 1, 1.0)]


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ('"a, b"', "a, b"),
        ('"a ""b"" c"', 'a "b" c'),
        ('"a\nb"', "a\nb"),
        ('"a\r\nb"', "a\r\nb"),
        ('"\n"', "\n"),
        ("it's", "it's"),
        (" a ", " a "),
        ("Zoë 東京 🛫", "Zoë 東京 🛫"),
        ("a\u2028b", "a\u2028b"),
        ("a\x0cb", "a\x0cb"),
        ("a;b\tc", "a;b\tc"),
        ("x" * 300_000, "x" * 300_000),
    ],
)
def test_a_string_is_taken_as_it_stands(file: Path, cell: str, text: str) -> None:
    assert read(file, f"{cell},1,1\nOslo,2,2\n") == [(text, 1, 1.0), ("Oslo", 2, 2.0)]


@pytest.mark.parametrize(
    ("cell", "number"),
    [("7", 7), ("-7", -7), ("007", 7), (" 7 ", 7), (str(2**63 - 1), 2**63 - 1), (str(-(2**63)), -(2**63))],
)
def test_an_integer(file: Path, cell: str, number: int) -> None:
    assert read(file, f"Oslo,{cell},1\n")[0][1] == number


@pytest.mark.parametrize(
    ("cell", "number"),
    [
        ("2", 2.0),
        ("-2.5", -2.5),
        ("+2.5", 2.5),
        (".5", 0.5),
        ("2.", 2.0),
        ("25e-1", 2.5),
        (" 2.5 ", 2.5),
        ("1e-60", 0.0),
    ],
)
def test_a_number(file: Path, cell: str, number: float) -> None:
    assert read(file, f"Oslo,1,{cell}\n")[0][2] == number


def test_the_largest_number_of_32_bits(file: Path) -> None:
    assert read(file, "Oslo,1,3.4028235e38\n")[0][2] == pytest.approx(3.4028235e38)


@pytest.mark.parametrize(
    "content",
    [
        b"city,count,share\nOslo,1,2\nRome,2,3\n",
        b"city,count,share\nOslo,1,2\nRome,2,3",
        b"city,count,share\r\nOslo,1,2\r\nRome,2,3\r\n",
        b"city,count,share\rOslo,1,2\rRome,2,3\r",
        b"\xef\xbb\xbfcity,count,share\nOslo,1,2\nRome,2,3\n",
        b"\n\ncity,count,share\n\nOslo,1,2\n\nRome,2,3\n\n\n",
        b'"city","count","share"\n"Oslo","1","2"\n"Rome","2","3"\n',
    ],
    ids=["plain", "no last newline", "CRLF", "CR", "byte order mark", "blank lines", "quoted"],
)
def test_one_table_in_many_dresses(file: Path, content: bytes) -> None:
    assert read(file, content, header=b"") == [("Oslo", 1, 2.0), ("Rome", 2, 3.0)]


def hint(cell: str) -> str:
    """What is said beside a cell with which other programs mean that there is no value."""
    return ". A missing value is an empty cell" if cell in ("nan", "NaN", "NULL", " ", "-") else ""


@pytest.mark.parametrize(
    "cell", ["x", "3.0", "1e3", "1_000", "+7", "true", "nan", "inf", "NULL", " ", "--1", "٣", "\u00a05", "1\0"]
)
def test_what_is_no_integer_is_named(file: Path, cell: str) -> None:
    assert told(file, f"Oslo,1,1\nRome,{cell},1\n") == (
        f"rows.csv:3: column 'count': expected an integer. Received: {cell!r}{hint(cell)}"
    )


@pytest.mark.parametrize("cell", [str(2**63), str(-(2**63) - 1), "9" * 30, "9" * 5000])
def test_an_integer_beyond_64_bits_is_named(file: Path, cell: str) -> None:
    assert told(file, f"Oslo,1,1\nRome,{cell},1\n") == (
        f"rows.csv:3: column 'count': expected an integer of 64 bits. Received: {cell!r}"
    )


@pytest.mark.parametrize(
    "cell",
    ["x", "nan", "NaN", "-nan", "inf", "-inf", "Infinity", "1_0.5", "0x10", "1d5", "1e", "-", " ", "true", "٣.5"],
)
def test_what_is_no_number_is_named(file: Path, cell: str) -> None:
    assert told(file, f"Oslo,1,1\nRome,1,{cell}\n") == (
        f"rows.csv:3: column 'share': expected a number. Received: {cell!r}{hint(cell)}"
    )


@pytest.mark.parametrize("cell", ["1e39", "-1e39", "3.4028236e38", "1e400"])
def test_a_number_that_would_be_infinite_is_named(file: Path, cell: str) -> None:
    assert told(file, f"Oslo,1,1\nRome,1,{cell}\n") == (
        f"rows.csv:3: column 'share': expected a number of 32 bits. Received: {cell!r}"
    )


def test_a_decimal_comma_is_no_number(file: Path) -> None:
    assert told(file, 'Oslo,1,"1,5"\n') == "rows.csv:2: column 'share': expected a number. Received: '1,5'"


def test_a_nul_byte_in_a_string_is_named(file: Path) -> None:
    assert told(file, b"Oslo,1,1\nRo\0me,1,1\n") == (
        "rows.csv:3: column 'city': expected text without a NUL byte. Received: 'Ro\\x00me'"
    )


@pytest.mark.parametrize(
    ("row", "cells"), [("Rome,1", 2), ("Rome", 1), ("Rome,1,1,", 4), ("Rome,1,1,1,1", 5), ("  ", 1)]
)
def test_a_row_of_another_length_is_named(file: Path, row: str, cells: int) -> None:
    assert told(file, f"Oslo,1,1\n{row}\n") == f"rows.csv:3: expected 3 cells, as in the header. Received: {cells}"


@pytest.mark.parametrize(
    ("body", "line"),
    [
        ("Oslo,1,1\nRome,x,1\n", 3),
        ('"Os\nlo\n",1,1\nRome,x,1\n', 5),
        ('"Os\r\nlo",1,1\r\nRome,x,1\r\n', 4),
        ("\n\nOslo,1,1\n\nRome,x,1\n", 6),
        ('"Ro\nme",x,1\nOslo,1,1\n', 2),
        ('Oslo,1,1\n"Ro\nme",1\n', 3),
        ("Oslo,1,1\n" * 200_000 + "Rome,x,1\n" + "Oslo,1,1\n" * 200_000, 200_002),
    ],
    ids=[
        "plain",
        "newlines before",
        "CRLF before",
        "blank lines",
        "newline in it",
        "ragged with a newline",
        "deep down",
    ],
)
def test_the_line_is_the_one_on_which_the_row_begins(file: Path, body: str, line: int) -> None:
    assert told(file, body).startswith(f"rows.csv:{line}: ")


def test_the_first_of_several_faults_is_named(file: Path) -> None:
    assert told(file, "Oslo,1,1\nRome,1,x\nBern,y,1\nKyiv,1\n").startswith("rows.csv:3: column 'share'")


@pytest.mark.parametrize(
    ("content", "place"),
    [
        (b'Oslo,1,1\n"Rome,1,1\nBern,1,1\n', "rows.csv:3"),
        (b'Oslo,1,1\n"Rome,1,1\n' + b"Bern,1,1\n" * 300_000, "rows.csv:3"),
    ],
    ids=["small", "larger than a block"],
)
def test_a_quote_that_is_never_closed_is_named(file: Path, content: bytes, place: str) -> None:
    assert told(file, content).startswith(f"{place}: not well-formed CSV, look for a quote that is not closed: ")


def test_a_quote_that_takes_the_rest_into_the_last_cell_is_named(file: Path) -> None:
    message = told(file, b'1,1,Oslo\n1,1,"Rome\n1,1,Bern\n', header=b"count,share,city\n")

    assert message.startswith("rows.csv:3: not well-formed CSV, look for a quote that is not closed")


def test_a_newline_in_the_last_cell_is_no_fault(file: Path) -> None:
    assert read(file, b'1,1,"Ro\nme"\n', header=b"count,share,city\n") == [("Ro\nme", 1, 1.0)]


def test_a_quote_in_the_header_that_is_never_closed_is_named(file: Path) -> None:
    assert told(file, b"Oslo,1,1\n" * 200_000, header=b'"city,count,share\n').startswith("rows.csv:1: not well-formed")


def test_a_row_longer_than_a_block_ends_in_an_error_and_the_process_too(file: Path) -> None:
    file.write_bytes(HEADER + b"Oslo,1,1\n" * 100_000 + b"x" * 3_000_000 + b",1,1\n")
    program = (
        "import sys\n"
        "from pathlib import Path\n"
        "from ingestion.csv_reader import read_csv\n"
        "from schema.rows import Column, Kind\n"
        "read_csv(Path(sys.argv[1]), {name: Column(name, Kind.STRING) for name in ('city', 'count', 'share')})\n"
    )

    # More than once: with threads, two of three such processes hung when they were to end.
    for _ in range(4):
        ended = subprocess.run(
            [sys.executable, "-c", program, str(file)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert "rows.csv:100002: not well-formed CSV" in ended.stderr


@pytest.mark.parametrize(
    ("header", "body", "fault"),
    [
        (b"city,count\n", "Oslo,1\n", "rows.csv:1: column 'share' of the schema is missing. Received: city, count"),
        (b"city,cuont,share\n", "", "rows.csv:1: column 'cuont' is not in the schema. Did you mean 'count'?"),
        (b"city,count,share ,x\n", "", "rows.csv:1: column 'share ' is not in the schema. Did you mean 'share'?"),
        (b"city,count,share,\n", "", "rows.csv:1: column '' is not in the schema."),
        (b"city,count,share,city\n", "a,1,1,b\n", "rows.csv:1: column 'city' is given twice"),
        (b"city;count;share\n", "a;1;1\n", "rows.csv:1: column 'city;count;share' is not in the schema."),
        (b"Oslo,1,1\n", "Rome,1,1\n", "rows.csv:1: column 'Oslo' is not in the schema."),
        (b"city\0,count,share\n", "", "rows.csv:1: column 'city\\x00' is not in the schema. Did you mean 'city'?"),
        (b"\n\ncity,count\n", "", "rows.csv:3: column 'share' of the schema is missing."),
        (HEADER, "", "rows.csv:1: a header and no rows. Expected at least one row."),
        (HEADER, "\n\n", "rows.csv:1: a header and no rows. Expected at least one row."),
        (b"", "", "rows.csv: empty file. Expected a header line: city,count,share"),
        (b"\n\n", "", "rows.csv: empty file. Expected a header line: city,count,share"),
        (b"\xef\xbb\xbf", "", "rows.csv: empty file. Expected a header line: city,count,share"),
    ],
)
def test_a_header_that_does_not_fit_is_named(file: Path, header: bytes, body: str, fault: str) -> None:
    assert told(file, body, header).startswith(fault)


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (HEADER + b"Oslo,1,1\nZo\xeb,1,1\n", "rows.csv:3: not UTF-8: byte 0xeb at column 3"),
        (HEADER + b"Oslo,1,1\n" * 5000 + b"Zo\xeb,1,1\n", "rows.csv:5002: not UTF-8: byte 0xeb at column 3"),
        (HEADER + b"\xed\xa0\x80,1,1\n", "rows.csv:2: not UTF-8: byte 0xed at column 1"),
        (b"cit\xe9,count,share\n", "rows.csv:1: not UTF-8: byte 0xe9 at column 4"),
        ("city,count,share\nOslo,1,1\n".encode("utf-16"), "rows.csv:1: not UTF-8: byte 0xff at column 1"),
        (
            "city,count,share\n".encode("utf-16-le"),
            "rows.csv:1: column 'c\\x00i\\x00t\\x00y\\x00' is not in the schema.",
        ),
    ],
)
def test_another_encoding_is_named(file: Path, content: bytes, fault: str) -> None:
    assert told(file, content, header=b"").startswith(fault)


@pytest.mark.parametrize(
    ("name", "content", "fault"),
    [
        (
            "rows.csv",
            gzip.compress(HEADER + b"Oslo,1,1\n", mtime=0),
            "compressed by gzip. Expected plain text, or a name that ends in .csv.gz.",
        ),
        (
            "rows.csv.gz",
            HEADER + b"Oslo,1,1\n",
            "not compressed by gzip. Expected gzip, or a name that ends in .csv.",
        ),
    ],
)
def test_a_name_that_says_otherwise_of_compression_than_the_content_is_refused(
    tmp_path: Path, name: str, content: bytes, fault: str
) -> None:
    assert told(tmp_path / name, content, header=b"") == f"{name}: {fault}"


def test_a_compressed_file_is_read_as_its_plain_text(tmp_path: Path) -> None:
    content = gzip.compress(HEADER + b'Oslo,1,1\n"Ro\nme",,2\n')

    assert read(tmp_path / "rows.csv.gz", content, header=b"") == [("Oslo", 1, 1.0), ("Ro\nme", None, 2.0)]


@pytest.mark.parametrize("kept", [0.3, 0.9])
def test_a_compressed_file_that_was_cut_short_is_named(tmp_path: Path, kept: float) -> None:
    content = gzip.compress(HEADER + b"".join(b"Oslo,%d,%d\n" % (row, row * row) for row in range(20_000)))

    message = told(tmp_path / "rows.csv.gz", content[: int(len(content) * kept)], header=b"")

    assert message.startswith("rows.csv.gz: not a whole gzip file: ")


def test_a_compressed_file_whose_bytes_were_changed_is_named(tmp_path: Path) -> None:
    content = bytearray(gzip.compress(HEADER + b"Oslo,1,1\n" * 5_000))
    content[-6] ^= 0xFF

    assert told(tmp_path / "rows.csv.gz", bytes(content), header=b"").startswith("rows.csv.gz: CRC check failed")


def test_what_is_no_file_is_named(tmp_path: Path) -> None:
    loop = tmp_path / "loop.csv"
    loop.symlink_to(loop)

    for path, fault in [(tmp_path / "nowhere.csv", "No such file"), (tmp_path, "Is a directory"), (loop, "Too many")]:
        with pytest.raises(InputError) as caught:
            read_csv(path, COLUMNS)
        assert str(caught.value).startswith(f"{path}: {fault}")


def parts(path: Path, size: int) -> list[Rows]:
    """The rows of a file, cut into blocks of this size."""
    return [rows for block in cut(path, COLUMNS, size) for rows in read_block(block, COLUMNS, size)]


AWKWARD = (
    HEADER
    + b'Oslo,1,1\r\n"Ro\nme",,2\n\n\n"a ""b"", c",3,\n\xef\xbb\xbfBern,4,4\n5" by 6",5,5\n"","",""\nZo\xc3\xab,7,7\n'
)


@pytest.mark.parametrize("size", [1, 2, 7, 16, 40, 1000, BLOCK_BYTES])
@pytest.mark.parametrize("name", ["rows.csv", "rows.csv.gz"])
def test_the_rows_and_their_lines_do_not_hang_on_the_size_of_a_block(tmp_path: Path, name: str, size: int) -> None:
    path = tmp_path / name
    path.write_bytes(gzip.compress(AWKWARD) if name.endswith(".gz") else AWKWARD)

    found = parts(path, size)

    assert [tuple(row.values()) for rows in found for row in rows.table.to_pylist()] == [
        ("Oslo", 1, 1.0),
        ("Ro\nme", None, 2.0),
        ('a "b", c', 3, None),
        ("\ufeffBern", 4, 4.0),
        ('5" by 6"', 5, 5.0),
        (None, None, None),
        ("Zoë", 7, 7.0),
    ]
    places = [rows.place(row) for rows in found for row in range(rows.table.num_rows)]
    assert places == [f"{path}:{line}" for line in (2, 3, 7, 8, 9, 10, 11)]
    assert (len(found) == 1) == (size >= 1000)


@pytest.mark.parametrize("size", [1, 16, 1000])
@pytest.mark.parametrize(
    ("row", "fault"),
    [
        (b"Kyiv,x,1", "expected an integer. Received: 'x'"),
        (b"Kyiv,1", "expected 3 cells"),
        (b"Kyiv,1,nan", "expected a number"),
        (b"Ky\xffiv,1,1", "not UTF-8: byte 0xff at column 3"),
        (b'"Kyiv,1,1', "not well-formed CSV, look for a quote that is not closed"),
        (b"Ky\0iv,1,1", "without a NUL byte"),
    ],
)
def test_a_fault_in_any_block_names_the_files_own_line(file: Path, row: bytes, fault: str, size: int) -> None:
    file.write_bytes(AWKWARD + row + b"\nLima,1,1\n")

    with pytest.raises(InputError) as caught:
        parts(file, size)

    assert str(caught.value).startswith(f"{file}:12: ")
    assert fault in str(caught.value)


@pytest.mark.parametrize("alphabet", ['"a\n', '",a\n', '",\r\na', '"",a\n\r', "aaa\n,", "a\r\n"])
@pytest.mark.parametrize("names", [["city"], ["city", "town"]])
def test_line_ends_outside_quotes_count_the_rows_that_arrow_gives(file: Path, alphabet: str, names: list[str]) -> None:
    columns = {name: Column(name, Kind.STRING) for name in names}
    chosen, read = random.Random(7), 0
    for _ in range(400):
        # Of two columns a text of any characters is seldom a table, so that one column has cells put before it.
        lines = "".join(chosen.choices(alphabet, k=chosen.randrange(1, 14)))
        file.write_bytes((",".join(names) + "\n" + (f"x,y\n{lines}" if len(names) > 1 else lines)).encode())
        try:
            counted = [block.rows for block in cut(file, columns, 8)]
            rows = [rows.table.num_rows for block in cut(file, columns, 8) for rows in read_block(block, columns, 8)]
        except InputError:
            continue
        assert counted == rows
        read += 1
    assert read >= 5


def test_blank_lines_between_blocks_are_no_rows(file: Path) -> None:
    file.write_bytes(HEADER + b"\n" * 100 + b"Oslo,1,1\n" + b"\r\n" * 100 + b"x\n")

    with pytest.raises(InputError, match=r"rows\.csv:203: expected 3 cells"):
        parts(file, 10)


def test_a_row_without_an_end_is_named_before_all_of_the_file_is_in_memory(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingestion.csv_blocks.LONGEST_ROW", 1000)
    file.write_bytes(HEADER + b'Oslo,1,1\n"Rome,1,1\n' + b"Bern,1,1\n" * 200_000)
    blocks = cut(file, COLUMNS, 100)

    assert next(blocks).first == 2
    with pytest.raises(InputError, match=r"rows\.csv:3: not well-formed CSV, look for a quote that is not closed"):
        next(blocks)


def test_a_long_row_of_short_cells_is_named_as_such(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ingestion.csv_blocks.LONGEST_ROW", 30)
    file.write_bytes(HEADER + b"Oslo,1,1\n" + b"\xc3\xab," * 20 + b"1,1\n")

    with pytest.raises(InputError, match=r"rows\.csv:3: a row longer than 16,777,216 bytes"):
        list(cut(file, COLUMNS, 10))


def test_a_block_is_a_few_bytes_whatever_its_size(file: Path) -> None:
    file.write_bytes(HEADER + b"Oslo,1,1\n" * 100_000)

    assert [len(pickle.dumps(block)) < 500 for block in cut(file, COLUMNS, 300_000)] == [True] * 3


def test_the_header_alone_is_checked_without_the_rows(file: Path) -> None:
    file.write_bytes(HEADER + b"x\n" * 10)

    check(file, COLUMNS)

    file.write_bytes(b"city,count\n")
    with pytest.raises(InputError, match="column 'share' of the schema is missing"):
        check(file, COLUMNS)


def first(file: Path, body: str, header: bytes = HEADER) -> list[str]:
    """What is said of the first rows of a file with this content, without the folder."""
    file.write_bytes(header + body.encode())
    return [fault.replace(f"{file.parent}/", "") for fault in first_rows(file, COLUMNS).faults]


def test_the_first_rows_that_fit_say_nothing(file: Path) -> None:
    assert first(file, "Oslo,1,0.5\n,,\n") == []


def test_each_column_is_told_once_with_what_a_missing_value_is(file: Path) -> None:
    assert first(file, "Oslo,1,0.5\nRome,NA,n/a\nRome,x,NULL\nBonn\nBonn,2,inf\n") == [
        "rows.csv:3: column 'count': expected an integer. Received: 'NA'. A missing value is an empty cell",
        "rows.csv:3: column 'share': expected a number. Received: 'n/a'. A missing value is an empty cell",
        "rows.csv:5: expected 3 cells, as in the header. Received: 1",
    ]


def test_columns_that_are_there_are_looked_at_beside_those_that_are_not(file: Path) -> None:
    (names, count) = first(file, "1.5,a,b\n", b"count,colour,colour\n")
    assert names.splitlines() == [
        "rows.csv:1: column 'colour' is not in the schema. Known keys: city, count, share.",
        "rows.csv:1: columns 'city', 'share' of the schema are missing. Received: count, colour, colour",
    ]
    assert count == "rows.csv:2: column 'count': expected an integer. Received: '1.5'"


def test_a_column_that_does_not_fit_hides_not_what_float32_keeps_of_the_others(file: Path) -> None:
    # 1.7e9 is a multiple of 128, the step of float32.
    rows = f"Oslo,1,{1.7e9 + 30}\nRome,NA,{1.7e9 + 31}\n"
    file.write_bytes(HEADER + rows.encode())
    moved = Precision(2, 1.7e9 + 30.5, 0.5, 30.0**2 + 31.0**2)
    assert first_rows(file, COLUMNS).precision == {"share": moved}
    file.write_bytes(HEADER + rows.replace("NA", "3").encode())
    assert first_rows(file, COLUMNS).precision == {"count": Precision(2, 2.0, 2.0), "share": moved}
    file.write_bytes(b"city,amount,share\n" + rows.encode())
    assert first_rows(file, COLUMNS).precision == {"share": moved}


def test_what_stands_behind_the_first_rows_is_left_to_the_run(file: Path) -> None:
    row = "Oslo,1,0.5\n"
    assert first(file, row * (2 * FIRST_BYTES // len(row)) + "Oslo,NA,0.5\n") == []


@pytest.mark.parametrize(
    ("header", "body", "said"),
    [
        (b"", "", ": empty file. Expected a header line"),
        (HEADER, "", ":1: a header and no rows"),
    ],
)
def test_a_file_that_is_none_says_so(file: Path, header: bytes, body: str, said: str) -> None:
    (fault,) = first(file, body, header)
    assert fault.startswith(f"rows.csv{said}")
