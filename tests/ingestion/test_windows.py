"""Windows of spans as they are written, and the files of spans on a real disk."""

import os
from pathlib import Path

import pytest

from ingestion.windows import Window, find_spans, fingerprint, parse_window, select
from schema.errors import InputError

PATTERN = "span-{SPAN:2}/*.csv"


def place(folder: Path, *names: str) -> Path:
    """Files of these names below the folder, each with its name as content."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name, encoding="utf-8")
    return folder


def spans(*numbers: int) -> list[str]:
    """A file a span."""
    return [f"span-{number:02d}/a.csv" for number in numbers]


def found(folder: Path, pattern: str) -> dict[int, list[str]]:
    """The files of each span, relative to the folder."""
    return {
        span: [path.relative_to(folder).as_posix() for path in files]
        for span, files in find_spans(folder, pattern).items()
    }


@pytest.mark.parametrize(
    ("text", "window", "inside", "outside"),
    [
        (":", Window(None, None), [0, 7, 9999], []),
        ("1:9", Window(1, 9), [1, 5, 9], [0, 10]),
        ("3:", Window(3, None), [3, 4, 9999], [2]),
        (":3", Window(None, 3), [0, 3], [4]),
        ("3", Window(3, 3), [3], [2, 4]),
        ("3:3", Window(3, 3), [3], [2, 4]),
        ("0", Window(0, 0), [0], [1]),
        ("0:", Window(0, None), [0, 1], []),
        (":0", Window(None, 0), [0], [1]),
        ("03:012", Window(3, 12), [3, 12], [2, 13]),
        ("2019:2021", Window(2019, 2021), [2020], [2018]),
    ],
)
def test_a_window_as_it_is_written(text: str, window: Window, inside: list[int], outside: list[int]) -> None:
    parsed = parse_window(text)

    assert parsed == window
    assert [span for span in (*inside, *outside) if span in parsed] == inside


@pytest.mark.parametrize("text", [":", "1:9", "3:", ":3", "0:0"])
def test_a_window_is_shown_as_it_is_written(text: str) -> None:
    assert str(parse_window(text)) == text


@pytest.mark.parametrize("text", ["", " ", "1-9", "1:9:2", "-1:3", "1:x", "x", "1,2", "::", "1: 9", "1.5", "٣", "3\n"])
def test_a_window_written_otherwise_is_refused(text: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_window(text)

    assert str(caught.value) == f"--span-window: expected first:last, such as 1:9 or 10:. Received: {text!r}"


def test_a_window_that_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(InputError, match=r"the window ends before it begins\. Received: '9:1'"):
        parse_window("9:1")


def test_spans_and_files_stand_in_order(tmp_path: Path) -> None:
    place(tmp_path, "span-10/a.csv", "span-02/b.csv", "span-02/a.csv", "span-01/a.csv")

    assert list(found(tmp_path, PATTERN).items()) == [
        (1, ["span-01/a.csv"]),
        (2, ["span-02/a.csv", "span-02/b.csv"]),
        (10, ["span-10/a.csv"]),
    ]


@pytest.mark.parametrize(
    ("pattern", "names", "expected"),
    [
        ("year-{SPAN:4}.csv", ["year-2019.csv", "year-0001.csv"], [1, 2019]),
        ("{SPAN}.csv", ["7.csv", "0.csv", "123.csv"], [0, 7, 123]),
        ("{SPAN:2}*.csv", ["01.csv", "02-late.csv"], [1, 2]),
        ("*{SPAN}.csv", ["x12.csv"], [12]),
        ("*{SPAN}*.csv", ["x12y.csv"], [12]),
        ("data-{SPAN:4}*.csv", ["data-20130105.csv"], [2013]),
        ("{SPAN}/part-?.csv", ["1/part-a.csv", "2/part-10.csv"], [1]),
        ("{SPAN}/part-[0-3].csv", ["1/part-0.csv", "2/part-4.csv"], [1]),
        ("{SPAN}/[!x]*.csv", ["1/a.csv", "2/x.csv"], [1]),
        ("*/{SPAN}/*.csv", ["a/1/a.csv", "b/2/a.csv", "3/a.csv"], [1, 2]),
        ("a (new).{SPAN}+.csv", ["a (new).3+.csv", "a xnewx.4+.csv"], [3]),
    ],
)
def test_the_number_of_a_span_by_the_pattern(
    tmp_path: Path, pattern: str, names: list[str], expected: list[int]
) -> None:
    assert list(find_spans(place(tmp_path, *names), pattern)) == expected


def test_one_span_may_lie_in_several_folders(tmp_path: Path) -> None:
    place(tmp_path, "jfk/1.csv", "ewr/1.csv")

    assert found(tmp_path, "*/{SPAN}.csv") == {1: ["ewr/1.csv", "jfk/1.csv"]}


def test_files_that_are_something_else_are_left_alone(tmp_path: Path) -> None:
    place(
        tmp_path,
        *["span-01/a.csv", "span-01/a.csv.partial", "span-01/notes.txt", "span-01/deep/b.csv", "span-02.partial/a.csv"],
        *["span-x/a.csv", "old/span-03/a.csv", ".built", "spans-04/a.csv"],
    )
    (tmp_path / "span-05" / "folder.csv").mkdir(parents=True)

    assert found(tmp_path, PATTERN) == {1: ["span-01/a.csv"]}


@pytest.mark.parametrize(
    ("pattern", "name", "expected"),
    [
        (PATTERN, "span-100/a.csv", "2 digits"),
        (PATTERN, "span-3/a.csv", "2 digits"),
        ("year-{SPAN:4}.csv", "year-19.csv", "4 digits"),
        ("span-{SPAN}/*.csv", "span-03/a.csv", "a number without leading zeros"),
    ],
)
def test_a_span_of_another_width_is_refused_and_not_left_out(
    tmp_path: Path, pattern: str, name: str, expected: str
) -> None:
    with pytest.raises(InputError) as caught:
        find_spans(place(tmp_path, name), pattern)

    assert str(caught.value) == (
        f"{tmp_path}/{name}: does not fit data.pattern '{pattern}'. Expected {expected} for its span."
    )


def test_a_pattern_without_a_span_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"data\.pattern: expected a \{SPAN\} placeholder\. Received: '\*\.csv'"):
        find_spans(tmp_path, "*.csv")


@pytest.mark.parametrize("name", ["nowhere", "file"])
def test_a_data_folder_that_is_none_is_refused(tmp_path: Path, name: str) -> None:
    place(tmp_path, "file")

    with pytest.raises(InputError, match=rf"{name}: no such data folder\. .* data\.path .* the working directory"):
        select(tmp_path / name, PATTERN, Window())


def test_a_folder_without_a_fitting_file_shows_what_it_has(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no file fits data\.pattern 'span-\{SPAN:2\}/\*\.csv'\. The folder is empty"):
        select(tmp_path, PATTERN, Window())

    place(tmp_path, "d.csv", "c.csv", "b/x.csv", "a.csv")
    with pytest.raises(InputError, match=r"no file fits .*\. The folder has a\.csv, b, c\.csv, \.\.\.$"):
        select(tmp_path, PATTERN, Window())


@pytest.mark.parametrize(
    ("window", "expected"),
    [
        (":", [1, 2, 4, 5, 9]),
        ("2:5", [2, 4, 5]),
        ("4:", [4, 5, 9]),
        (":2", [1, 2]),
        ("9", [9]),
        ("1:9", [1, 2, 4, 5, 9]),
    ],
)
def test_a_window_takes_the_spans_there_are_between_its_ends(tmp_path: Path, window: str, expected: list[int]) -> None:
    place(tmp_path, *spans(1, 2, 4, 5, 9))

    assert list(select(tmp_path, PATTERN, parse_window(window))) == expected


@pytest.mark.parametrize(
    ("window", "fault"),
    [
        ("10:", "no data in spans 10:."),
        ("3", "no data in spans 3:3."),
        ("6:8", "no data in spans 6:8."),
        ("1:20", "no data in span 20, an end of the window 1:20."),
        ("0:4", "no data in span 0, an end of the window 0:4."),
        ("3:9", "no data in span 3, an end of the window 3:9."),
        (":7", "no data in span 7, an end of the window :7."),
    ],
)
def test_a_window_whose_end_has_no_data_says_what_there_is(tmp_path: Path, window: str, fault: str) -> None:
    place(tmp_path, *spans(1, 2, 4, 5, 9))

    with pytest.raises(InputError) as caught:
        select(tmp_path, PATTERN, parse_window(window))

    assert str(caught.value) == f"--span-window: {fault} {tmp_path} has spans 1 to 2, 4 to 5, 9."


def prints(folder: Path) -> str:
    """Fingerprint of the folder's files."""
    return fingerprint(tuple(sorted(folder.iterdir())))


def test_a_fingerprint_is_of_names_and_contents_alone(tmp_path: Path) -> None:
    one, two = place(tmp_path / "1", "a.csv", "b.csv"), place(tmp_path / "2", "a.csv", "b.csv")
    os.utime(two / "a.csv", (1, 1))

    assert prints(one) == prints(two)


@pytest.mark.parametrize("change", ["content", "name", "swapped", "added", "removed"])
def test_a_fingerprint_tells_any_change(tmp_path: Path, change: str) -> None:
    folder = place(tmp_path, "a.csv", "b.csv")
    before = prints(folder)
    if change == "content":
        (folder / "b.csv").write_text("b.csw", encoding="utf-8")
    elif change == "name":
        (folder / "b.csv").rename(folder / "c.csv")
    elif change == "swapped":
        (folder / "a.csv").write_text("b.csv", encoding="utf-8")
        (folder / "b.csv").write_text("a.csv", encoding="utf-8")
    elif change == "added":
        place(folder, "c.csv")
    else:
        (folder / "b.csv").unlink()

    assert prints(folder) != before
