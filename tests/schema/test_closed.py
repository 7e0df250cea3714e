"""What a closed record refuses, on a literal record, and what YAML may hold."""

from enum import StrEnum
from pathlib import Path
from typing import Any, Self

import pytest
from pydantic import Field, ValidationError, model_validator

from schema.closed import Closed, known_keys, nearest, read_yaml
from schema.errors import InputError


class Taste(StrEnum):
    """A name out of two."""

    SWEET = "sweet"
    SOUR = "sour"


class Fruit(Closed):
    """An entry of a mapping and of a list."""

    taste: Taste
    grams: int = Field(default=10, ge=1)


class Crate(Closed):
    """A section."""

    weight: float = 1.0
    fragile: bool = False

    @model_validator(mode="after")
    def _bears(self) -> Self:
        if self.fragile and self.weight > 5:
            raise ValueError(f"a fragile crate bears 5. Received: {self.weight:g}")
        return self


class Shop(Closed):
    """The record under test."""

    name: str
    crate: Crate = Crate()
    sizes: tuple[int, ...] = ()
    fruits: dict[str, Fruit] = Field(default={})
    offers: tuple[Fruit, ...] = ()

    @model_validator(mode="after")
    def _differs(self) -> Self:
        if self.name in self.fruits:
            raise ValueError(f"the shop may not be called like its fruit '{self.name}'")
        return self


def told(values: dict[str, Any]) -> str:
    """The message with which the values are refused."""
    with pytest.raises(InputError) as caught:
        Shop.from_mapping(values, "shop.yaml")
    return str(caught.value)


def test_lists_become_tuples_names_become_enums_and_whole_numbers_may_be_decimals() -> None:
    shop = Shop.from_mapping(
        {"name": "a", "sizes": [1, 2], "crate": {"weight": 3}, "fruits": {"plum": {"taste": "sour"}}}, "shop.yaml"
    )

    assert (shop.sizes, shop.crate.weight, shop.fruits["plum"].taste) == ((1, 2), 3.0, Taste.SOUR)


def test_a_record_cannot_be_changed() -> None:
    shop = Shop(name="a")

    with pytest.raises(ValidationError, match="frozen"):
        shop.name = "b"


def test_a_record_survives_json() -> None:
    shop = Shop(name="a", crate=Crate(weight=2.5), fruits={"plum": Fruit(taste=Taste.SOUR)})

    assert Shop.model_validate_json(shop.model_dump_json()) == shop


@pytest.mark.parametrize(
    ("values", "key"),
    [
        ({"name": 3}, "name"),
        ({"name": None}, "name"),
        ({"name": "a", "crate": {"weight": "3"}}, "crate.weight"),
        ({"name": "a", "crate": {"weight": True}}, "crate.weight"),
        ({"name": "a", "crate": {"fragile": 1}}, "crate.fragile"),
        ({"name": "a", "crate": {"fragile": "yes"}}, "crate.fragile"),
        ({"name": "a", "crate": 3}, "crate"),
        ({"name": "a", "crate": None}, "crate"),
        ({"name": "a", "sizes": [1, 2.5]}, "sizes.1"),
        ({"name": "a", "sizes": [2.0]}, "sizes.0"),
        ({"name": "a", "sizes": [True]}, "sizes.0"),
        ({"name": "a", "fruits": {"plum": {"taste": "sour", "grams": "4"}}}, "fruits.plum.grams"),
        ({"name": "a", "offers": [{"taste": "sour"}, {"taste": 1}]}, "offers.1.taste"),
    ],
)
def test_a_value_of_another_type_is_refused_with_its_key(values: dict[str, Any], key: str) -> None:
    assert told(values).startswith(f"shop.yaml: key '{key}': Input should be ")


def test_the_value_received_is_shown() -> None:
    assert told({"name": "a", "crate": {"weight": "3 kg"}}).endswith("Received: '3 kg'")


def test_names_out_of_several_are_listed() -> None:
    assert "Input should be 'sweet' or 'sour'. Received: 'salty'" in told(
        {"name": "a", "fruits": {"plum": {"taste": "salty"}}}
    )


def test_a_value_out_of_range_is_refused_with_the_range() -> None:
    message = told({"name": "a", "fruits": {"plum": {"taste": "sour", "grams": 0}}})

    assert message == "shop.yaml: key 'fruits.plum.grams': Input should be greater than or equal to 1. Received: 0"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_what_is_not_finite_is_refused(value: float) -> None:
    assert "key 'crate.weight': Input should be a finite number" in told({"name": "a", "crate": {"weight": value}})


@pytest.mark.parametrize(
    ("value", "expected"),
    [("int8", "expected a list, such as [int8]"), (5, "expected a list, such as [5]"), ({}, "expected a list")],
)
def test_what_is_no_list_is_shown_as_one(value: Any, expected: str) -> None:
    assert told({"name": "a", "sizes": value}) == f"shop.yaml: key 'sizes': {expected}. Received: {value!r}"


def test_a_missing_key_is_named() -> None:
    assert told({"fruits": {"plum": {}}}).splitlines() == [
        "shop.yaml: missing key 'name'.",
        "shop.yaml: missing key 'fruits.plum.taste'.",
    ]


@pytest.mark.parametrize(
    ("values", "fault"),
    [
        ({"nmae": "b"}, "unknown key 'nmae'. Did you mean 'name'?"),
        ({"crate": {"wieght": 1}}, "unknown key 'crate.wieght'. Did you mean 'weight'?"),
        ({"crate": {"x": 1}}, "unknown key 'crate.x'. Known keys: fragile, weight."),
        ({"fruits": {"plum": {"taste": "sour", "gram": 1}}}, "unknown key 'fruits.plum.gram'. Did you mean 'grams'?"),
        ({"fruits": {"taste": {"taste": "sour", "gram": 1}}}, "unknown key 'fruits.taste.gram'. Did you mean 'grams'?"),
        ({"offers": [{"taste": "sour", "gram": 1}]}, "unknown key 'offers.0.gram'. Did you mean 'grams'?"),
    ],
)
def test_an_unknown_key_is_refused_with_the_nearest_one(values: dict[str, Any], fault: str) -> None:
    assert told({"name": "a", **values}) == f"shop.yaml: {fault}"


def test_a_check_of_the_whole_record_is_one_sentence() -> None:
    assert told({"name": "plum", "fruits": {"plum": {"taste": "sour"}}}) == (
        "shop.yaml: the shop may not be called like its fruit 'plum'"
    )


def test_a_check_of_a_section_names_the_section() -> None:
    assert told({"name": "a", "crate": {"fragile": True, "weight": 6}}) == (
        "shop.yaml: key 'crate': a fragile crate bears 5. Received: 6"
    )


def test_every_fault_is_told_at_once() -> None:
    assert len(told({"name": 1, "crate": {"wieght": 1}, "sizes": ["a"]}).splitlines()) == 3


def test_the_nearest_name_is_offered_or_else_all() -> None:
    assert nearest("epoch", ["epochs", "dropout"]) == " Did you mean 'epochs'?"
    assert nearest("x", ["b", "a"]) == " Known keys: a, b."
    assert nearest("x", ["b", "a"], called="Nodes") == " Nodes: a, b."
    assert nearest("x", []) == ""


@pytest.mark.parametrize(
    ("path", "keys"),
    [
        ([], ["name", "crate", "sizes", "fruits", "offers"]),
        (["crate"], ["weight", "fragile"]),
        (["fruits", "plum"], ["taste", "grams"]),
        (["fruits", "grams"], ["taste", "grams"]),
        (["offers", "0"], ["taste", "grams"]),
        (["sizes", "0"], []),
        (["name"], []),
        (["nowhere", "below"], []),
    ],
)
def test_the_keys_known_at_a_path(path: list[str], keys: list[str]) -> None:
    assert known_keys(Shop, path) == keys


def written(folder: Path, content: str | bytes) -> Path:
    """A file with this content."""
    path = folder / "a.yaml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_yaml_is_read_with_its_types(tmp_path: Path) -> None:
    path = written(tmp_path, "a: 1\nb: {c: [x, 2.5, no]}\nd:\ne: 'é 東'\n")

    assert read_yaml(path) == {"a": 1, "b": {"c": ["x", 2.5, False]}, "d": None, "e": "é 東"}


@pytest.mark.parametrize("text", ["1e-3", "1E-3", "1.0e-3", "0.001", "1.e-3", "10e-4", "+1e-3"])
def test_a_number_may_be_written_with_an_exponent(tmp_path: Path, text: str) -> None:
    assert read_yaml(written(tmp_path, f"a: {text}")) == {"a": 0.001}


@pytest.mark.parametrize("text", ["1e-3 m", "e3", "1e", "'1e-3'", "v1e3"])
def test_text_with_an_exponent_in_it_stays_text(tmp_path: Path, text: str) -> None:
    assert read_yaml(written(tmp_path, f"a: {text}")) == {"a": text.strip("'")}


def test_an_empty_file_is_an_empty_mapping(tmp_path: Path) -> None:
    assert read_yaml(written(tmp_path, "# nothing\n")) == {}


def test_a_merged_key_may_be_given_anew(tmp_path: Path) -> None:
    path = written(tmp_path, "base: &base {a: 1, b: 2}\nfirst: {<<: *base, b: 3}\n")

    assert read_yaml(path)["first"] == {"a": 1, "b": 3}


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ("a: 1\nb:\n  c: 1\n  d: 2\n  c: 3\n", ":5: not readable as YAML: key 'c' is given twice"),
        ("{a: 1, a: 1}", ":1: not readable as YAML: key 'a' is given twice"),
        ("a: 1\nno: 2\n", ":2: not readable as YAML: a key must be a string, in quotes if need be. Received: no"),
        ("2013-01-01: 2\n", ":1: not readable as YAML: a key must be a string, in quotes if need be. Received: 2013"),
        ("? [a, b]\n: 2\n", ":1: not readable as YAML: a key must be a string"),
        ("a: 1\nb: [1, 2\nc: 3\n", ":3: not readable as YAML: while parsing a flow sequence, expected ',' or ']'"),
        ("a: 1\n\tb: 2\n", ":2: not readable as YAML: while scanning for the next token, found character '\\t'"),
        ("a: b: c\n", ":1: not readable as YAML: mapping values are not allowed here"),
        ("a: 1\n---\nb: 1\n", ":2: not readable as YAML: expected a single document in the stream"),
        ("a: !!python/object:os.system x\n", ":1: not readable as YAML: could not determine a constructor"),
        ("a: \0", ":1: not readable as YAML: unacceptable character #x0000"),
        (b"a: \xe9\n", ": not readable as YAML: not UTF-8"),
        ("- a\n- b\n", ": expected a mapping of keys. Received: list"),
        ("just text", ": expected a mapping of keys. Received: str"),
    ],
)
def test_what_is_no_mapping_in_yaml_is_refused_with_its_line(tmp_path: Path, content: str | bytes, fault: str) -> None:
    path = written(tmp_path, content)

    with pytest.raises(InputError) as caught:
        read_yaml(path)

    assert str(caught.value).startswith(f"{path}{fault}")
    assert "\n" not in str(caught.value)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nowhere\.yaml: no such file"):
        read_yaml(tmp_path / "nowhere.yaml")
    with pytest.raises(InputError, match="Is a directory"):
        read_yaml(tmp_path)
