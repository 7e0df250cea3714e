"""The configuration reference: what it says of literal records and of the project's, and the file it is put into."""

import subprocess
import sys
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
import yaml
from pydantic import BaseModel, Field

from pipeline.commands import config_reference
from pipeline.commands.config_reference import BEGIN, END, FILES, Row, main, render, replaced, rows, table
from pipeline.config.environment import Environment
from schema.closed import Closed
from schema.errors import InputError
from schema.problem import Problem

ROOT = Path(__file__).resolve().parents[3]
README = ROOT / "README.md"


class Shade(StrEnum):
    LIGHT = "light"
    DARK = "dark"


class Leaf(Closed):
    shade: Shade = Field(default=Shade.DARK, description="how dark")
    veins: int = Field(default=3, ge=1, lt=10, description="how many")


class Branch(Closed):
    leaf: Leaf = Leaf()
    bend: Annotated[float, Field(gt=0, le=1)] = Field(default=0.5, description="how crooked")


class Tree(Closed):
    name: str = Field(pattern="^[a-z|]+$", description="what it is called")
    trunk: Branch
    branches: dict[str, Branch] = Field(min_length=1, description="branches by name")
    rings: tuple[int, ...] = Field(default=(1, 2), description="widths")
    birds: tuple[tuple[str, ...], ...] = Field(default=(), description="flocks")
    fruit: dict[str, float] = Field(default={}, description="weights")
    owner: str | None = Field(default=None, description="who")
    season: Literal["spring", "autumn"] = Field(default="spring", description="when")
    soil: str = Field(default="none", pattern="^(none|clay)$", description="where")
    kind: str = Field(default="7", pattern="^7$", description="which")
    tall: bool = Field(default=True, description="whether")


def shown(record: type[BaseModel]) -> dict[str, Row]:
    return {row.key: row for row in rows(record)}


def declared(record: type[BaseModel], prefix: str = "") -> dict[str, Any]:
    """The records' own fields by dotted key, sections left out."""
    found: dict[str, Any] = {}
    for name, field in record.model_fields.items():
        section = field.annotation
        if isinstance(section, type) and issubclass(section, BaseModel):
            found |= declared(section, f"{prefix}{name}.")
            continue
        found[prefix + name] = field
        for argument in getattr(section, "__args__", ()):
            if isinstance(argument, type) and issubclass(argument, BaseModel):
                below = "[]." if getattr(section, "__origin__", None) is tuple else ".<name>."
                found |= declared(argument, f"{prefix}{name}{below}")
    return found


@pytest.mark.parametrize(
    ("key", "type_in_words", "default"),
    [
        ("name", "text that fits `^[a-z|]+$`", None),
        ("trunk.leaf.shade", "one of light, dark", "dark"),
        ("trunk.leaf.veins", "whole number in [1, 10)", "3"),
        ("trunk.bend", "number in (0, 1]", "0.5"),
        ("branches", "mapping of names to sections, 1 or more", None),
        ("branches.<name>.leaf.shade", "one of light, dark", "dark"),
        ("branches.<name>.leaf.veins", "whole number in [1, 10)", "3"),
        ("branches.<name>.bend", "number in (0, 1]", "0.5"),
        ("rings", "list of whole numbers", "[1, 2]"),
        ("birds", "list of lists of text", "[]"),
        ("fruit", "mapping of names to numbers", "{}"),
        ("owner", "text or null", "null"),
        ("season", "one of spring, autumn", "spring"),
        ("soil", "one of none, clay", "none"),
        ("kind", "only 7", "'7'"),
        ("tall", "true or false", "true"),
    ],
)
def test_a_key_is_told_in_words(key: str, type_in_words: str, default: str | None) -> None:
    row = shown(Tree)[key]

    assert (row.type, row.default) == (type_in_words, default)


def test_keys_stand_in_the_order_of_their_record_and_sections_have_no_row() -> None:
    assert [row.key for row in rows(Branch)] == ["leaf.shade", "leaf.veins", "bend"]
    assert [row.meaning for row in rows(Branch)] == ["how dark", "how many", "how crooked"]


def test_a_bound_on_one_side_is_a_comparison() -> None:
    class Bounds(Closed):
        least: int = Field(ge=1)
        above: float = Field(gt=0.5)
        most: int = Field(le=9)
        below: float = Field(lt=2)
        items: tuple[Annotated[int, Field(ge=1)], ...] = Field(min_length=2)

    assert [row.type for row in rows(Bounds)] == [
        "whole number >= 1",
        "number > 0.5",
        "whole number <= 9",
        "number < 2",
        "list of whole numbers >= 1, 2 or more",
    ]


def test_a_type_without_words_is_refused_by_key() -> None:
    class Odd(Closed):
        pair: tuple[int, str] = Field(description="two of a kind")

    with pytest.raises(ValueError, match="key 'pair': expected a type that there are words for"):
        rows(Odd)


def test_a_default_that_only_a_factory_knows_is_refused_by_key() -> None:
    class Made(Closed):
        names: dict[str, int] = Field(default_factory=dict)

    with pytest.raises(ValueError, match="key 'names': expected a default that is a value"):
        rows(Made)


def test_a_table_is_markdown_whose_cells_no_bar_breaks() -> None:
    listed = [Row("a.b", "text that fits `^[a|b]$`", None, "this or that"), Row("c", "text", "''", "a|b")]

    assert table(listed).split("\n") == [
        "| key | type | default | meaning |",
        "| --- | --- | --- | --- |",
        r"| `a.b` | text that fits `^[a\|b]$` | required | this or that |",
        r"| `c` | text | `''` | a\|b |",
    ]


@pytest.mark.parametrize("record", [Problem, Environment])
def test_each_key_of_the_project_appears_once_with_a_meaning(record: type[BaseModel]) -> None:
    listed = rows(record)

    assert [row.key for row in listed] == list(declared(record))
    assert [row.key for row in listed if not row.meaning] == []


@pytest.mark.parametrize("record", [Problem, Environment])
def test_defaults_are_those_that_the_project_uses(record: type[BaseModel]) -> None:
    fields = declared(record)
    optional = {row.key: yaml.safe_load(row.default) for row in rows(record) if row.default is not None}

    assert optional == {
        key: list(field.default) if isinstance(field.default, tuple) else field.default
        for key, field in fields.items()
        if not field.is_required()
    }


@pytest.mark.parametrize(
    ("file", "record"),
    [("schema/nyc_flights/problem.yaml", Problem), ("pipeline/environments/local.yaml", Environment)],
)
def test_every_key_of_the_sample_is_in_the_reference(file: str, record: type[BaseModel]) -> None:
    values = yaml.safe_load((ROOT / file).read_text(encoding="utf-8"))
    known = set(shown(record))

    assert set(dotted(values, known)) - known == set()


def dotted(values: dict[str, Any], known: set[str], prefix: str = "") -> Iterator[str]:
    """A file's keys; what lies below a known one is that key's value."""
    for name, value in values.items():
        if isinstance(value, dict) and prefix + name not in known:
            yield from dotted(value, known, f"{prefix}{name}.")
        else:
            yield prefix + name


def test_the_reference_has_a_table_a_file() -> None:
    text = render()

    assert [text.count(f"### `{path}`\n\n| key | type |") for path, _ in FILES] == [1, 1]
    assert "| `network.hidden_units` | list of whole numbers, 1 or more | `[192, 96]` |" in text
    assert "| `split.train` | whole number >= 1 | `7` |" in text


def test_what_stands_between_the_markers_is_replaced_and_the_rest_stays() -> None:
    text = f"# Title\n\n{BEGIN}\nold\n| old |\n{END}\n\nafter\n"

    once = replaced(text, "new", "README.md")

    assert once == f"# Title\n\n{BEGIN}\n\nnew\n\n{END}\n\nafter\n"
    assert replaced(once, "new", "README.md") == once


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nothing\n", f"README.md: expected one line '{BEGIN}'. Received: none"),
        (f"{BEGIN}\n", f"README.md: expected one line '{END}'. Received: none"),
        (f"{END}\n", f"README.md: expected one line '{BEGIN}'. Received: none"),
        (f"{BEGIN}\n{END}\n{BEGIN}\n", f"README.md: expected one line '{BEGIN}'. Received: 2"),
        (f"The line {BEGIN} is quoted\n{END}\n", f"README.md: expected one line '{BEGIN}'. Received: none"),
        (f"a\n{END}\n{BEGIN}\n", f"README.md:2: expected the line '{END}' below '{BEGIN}', which is line 3"),
    ],
)
def test_a_file_without_a_place_for_the_reference_is_refused(text: str, message: str) -> None:
    with pytest.raises(InputError) as refused:
        replaced(text, "new", "README.md")

    assert str(refused.value) == message


def test_the_command_prints_the_reference(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    assert capsys.readouterr().out == render() + "\n"


def test_a_written_file_is_up_to_date_and_an_edited_one_is_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "README.md"
    path.write_text(f"before\n{BEGIN}\n{END}\nafter\n", encoding="utf-8")

    assert main(["--check", str(path)]) == 1
    assert capsys.readouterr().err == (
        f"{path}: the configuration reference is out of date. Run: python -m pipeline config --write {path}\n"
    )
    assert main(["--write", str(path)]) == 0
    assert path.read_text(encoding="utf-8") == f"before\n{BEGIN}\n\n{render()}\n\n{END}\nafter\n"
    assert main(["--check", str(path)]) == 0
    assert capsys.readouterr().err == ""
    assert [file.name for file in tmp_path.iterdir()] == ["README.md"]

    path.write_text(path.read_text(encoding="utf-8").replace("| `7` |", "| `8` |"), encoding="utf-8")
    assert main(["--check", str(path)]) == 1


@pytest.mark.parametrize("flag", ["--write", "--check"])
def test_bad_input_ends_with_2_and_the_file_stays(
    flag: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "README.md"
    path.write_text("no markers\n", encoding="utf-8")

    assert main([flag, str(path)]) == 2
    assert f"{path}: expected one line '{BEGIN}'" in capsys.readouterr().err
    assert path.read_text(encoding="utf-8") == "no markers\n"


@pytest.mark.parametrize(
    ("content", "message"), [(None, "No such file or directory"), (b"\xff", "not UTF-8: invalid start byte")]
)
def test_a_file_that_cannot_be_read_is_named(
    content: bytes | None, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "README.md"
    if content is not None:
        path.write_bytes(content)

    assert main(["--check", str(path)]) == 2
    assert capsys.readouterr().err == f"{path}: {message}\n"


def test_it_writes_or_checks_and_not_both(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["--write", "README.md", "--check", "README.md"])

    assert stopped.value.code == 2
    assert "not allowed with argument --write" in capsys.readouterr().err


def test_it_needs_neither_tensorflow_nor_tfx() -> None:
    heavy = "{'tensorflow', 'tfx', 'apache_beam', 'pyarrow', 'pandas'}"
    script = f"import sys; import {config_reference.__name__}; print(sorted({heavy} & set(sys.modules)))"

    found = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)

    assert found.stdout == "[]\n"


def test_the_readme_has_the_reference() -> None:
    text = README.read_text(encoding="utf-8")

    assert text == replaced(text, render(), "README.md")
