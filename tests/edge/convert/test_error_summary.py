"""The few lines of a failure's output."""

from edge.convert.error_summary import gist

MARK = "step "


def test_telling_lines_after_the_last_mark() -> None:
    output = (
        "step a\nValueError: old\nstep b\n  File x\n    raise\nConverterError: no\n%1 = graph\nTF Select ops: Foo\n"
    )
    assert gist(output, MARK) == "step b\nConverterError: no\nTF Select ops: Foo"


def test_last_lines_where_none_tells() -> None:
    assert gist("step a\n" + "\n".join(map(str, range(20))), MARK) == "step a\n" + "\n".join(map(str, range(12, 20)))


def test_output_without_a_mark() -> None:
    assert gist("killed early\n", MARK) == "killed early"
    assert gist("", MARK) == ""


def test_long_lines_are_cut() -> None:
    assert gist("step a\nKeyError: " + "x" * 1000, MARK) == "step a\n" + ("KeyError: " + "x" * 1000)[:300]
