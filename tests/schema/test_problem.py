"""A problem's own rules, and where problems are found."""

from pathlib import Path
from typing import Any

import pytest

from schema.errors import InputError
from schema.problem import Encoding, Problem, problem_folder, read_problem

MINIMAL: dict[str, Any] = {
    "name": "fields",
    "title": "Is this field fertile?",
    "task": "binary",
    "label": "fertile",
    "data": {"path": "data/fields"},
    "features": {
        "soil": {"encoding": "vocabulary"},
        "week": {"encoding": "identity"},
        "rain": {"encoding": "quantiles"},
        "crop": {"encoding": "vocabulary"},
    },
}


def problem(**changes: Any) -> Problem:
    """The minimal problem with changes at its top."""
    return Problem.from_mapping({**MINIMAL, **changes}, "problem.yaml")


def told(**changes: Any) -> str:
    """The message with which the changed problem is refused."""
    with pytest.raises(InputError) as caught:
        problem(**changes)
    return str(caught.value)


def test_what_is_left_out_has_a_default() -> None:
    found = problem()

    assert (found.split.key, found.split.train, found.split.eval, found.split.test) == (None, 7, 1, 2)
    assert found.data.pattern == "span-{SPAN:2}/*.csv"
    assert found.features["rain"].buckets == 32


def test_the_features_of_an_encoding_stand_in_their_order() -> None:
    assert problem().of(Encoding.VOCABULARY) == ("soil", "crop")
    assert problem().of(Encoding.IDENTITY) == ("week",)


@pytest.mark.parametrize(
    ("task", "classes", "outputs"),
    [
        ("binary", [], 1),
        ("binary", ["no", "yes"], 1),
        ("regression", [], 1),
        ("multiclass", ["a", "b"], 2),
        ("multiclass", ["a", "b", "c"], 3),
    ],
)
def test_only_several_classes_have_an_output_each(task: str, classes: list[str], outputs: int) -> None:
    assert problem(task=task, classes=classes).outputs == outputs


@pytest.mark.parametrize(
    ("task", "classes", "fault"),
    [
        ("multiclass", [], "a multiclass problem needs at least two classes, received []"),
        ("multiclass", ["a"], "a multiclass problem needs at least two classes, received ['a']"),
        ("binary", ["a"], "a binary problem has two classes or none, received ['a']"),
        ("binary", ["a", "b", "c"], "a binary problem has two classes or none, received ['a', 'b', 'c']"),
        ("regression", ["a", "b"], "a regression problem has no classes"),
        ("multiclass", ["a", "b", "a"], "classes: 'a' is given twice"),
    ],
)
def test_classes_that_do_not_go_with_the_task_are_refused(task: str, classes: list[str], fault: str) -> None:
    assert told(task=task, classes=classes) == f"problem.yaml: {fault}"


def test_the_label_may_not_be_a_feature() -> None:
    assert told(label="soil") == "problem.yaml: the label 'soil' may not be a feature"


def test_a_problem_without_features_is_refused() -> None:
    assert "key 'features'" in told(features={})


@pytest.mark.parametrize("name", ["Fields", "2fields", "my-fields", "my fields", "../fields", ""])
def test_a_name_that_is_no_folder_name_is_refused(name: str) -> None:
    assert told(name=name).startswith("problem.yaml: key 'name': String should match pattern")


@pytest.mark.parametrize(
    ("encoding", "option"), [("vocabulary", "buckets"), ("identity", "buckets"), ("quantiles", "top_k")]
)
def test_an_option_of_another_encoding_is_refused(encoding: str, option: str) -> None:
    kind = {"buckets": "quantiles", "top_k": "vocabulary"}[option]

    assert told(features={"soil": {"encoding": encoding, option: 5}}) == (
        f"problem.yaml: key 'features.soil': '{option}' goes with encoding '{kind}' alone. Received: '{encoding}'"
    )


@pytest.mark.parametrize(
    "pattern",
    [
        "*.csv",
        "span-{span}/*.csv",
        "{SPAN}/{SPAN}.csv",
        "span-{SPAN:0}/*.csv",
        "span-{SPAN:two}/*.csv",
        "{SPAN}/{VERSION}/*.csv",
        "{YYYY}{MM}{DD}/*.csv",
        "/data/span-{SPAN}.csv",
        "{SPAN}/**/*.csv",
        "",
    ],
)
def test_a_pattern_that_names_no_span_is_refused(pattern: str) -> None:
    message = told(data={"path": "data", "pattern": pattern})

    assert message.startswith("problem.yaml: key 'data.pattern': expected a path below data.path with one {SPAN}")
    assert message.endswith(f"Received: {pattern!r}")


@pytest.mark.parametrize("pattern", ["{SPAN}.csv", "year-{SPAN:4}.csv", "a/{SPAN:2}*/part-?.csv", "{SPAN:2}/[ab]*.csv"])
def test_a_pattern_with_one_span_is_taken(pattern: str) -> None:
    assert problem(data={"path": "data", "pattern": pattern}).data.pattern == pattern


@pytest.mark.parametrize("units", [[0], [32, -1]])
def test_a_layer_has_width(units: list[int]) -> None:
    assert told(network={"hidden_units": units}) == (
        f"problem.yaml: key 'network.hidden_units': expected widths of 1 or more. Received: {units}"
    )


def test_a_release_cannot_ask_for_more_variants_than_there_are() -> None:
    assert told(device={"variants": ["float32"], "min_accepted": 2}) == (
        "problem.yaml: key 'device': min_accepted: expected at most the 1 variants there are. Received: 2"
    )


def test_a_variant_is_made_once() -> None:
    assert told(device={"variants": ["int8", "int8"]}) == "problem.yaml: key 'device': variants: 'int8' is given twice"


def written(folder: Path, name: str = "fields") -> Path:
    """A problem folder."""
    folder.mkdir(parents=True)
    lines = [f"name: {name}", "title: t", "task: binary", "label: fertile", "data: {path: d}"]
    (folder / "problem.yaml").write_text("\n".join([*lines, "features: {soil: {encoding: vocabulary}}", ""]))
    return folder


def test_a_problem_is_found_by_name_and_by_path(tmp_path: Path) -> None:
    inside, outside = written(tmp_path / "schema" / "fields"), written(tmp_path / "elsewhere" / "fields")

    assert problem_folder("fields", tmp_path) == inside
    assert problem_folder(str(outside), tmp_path) == outside
    assert read_problem(outside).name == "fields"


def test_a_copied_folder_needs_a_name_of_its_own(tmp_path: Path) -> None:
    copied = written(tmp_path / "copied")

    with pytest.raises(InputError, match=r"name: expected the folder's name, 'copied'\. Received: 'fields'"):
        read_problem(copied)


def test_a_name_goes_before_a_path_of_that_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inside = written(tmp_path / "root" / "schema" / "fields")
    written(tmp_path / "fields")
    monkeypatch.chdir(tmp_path)

    assert problem_folder("fields", tmp_path / "root") == inside


def test_an_unknown_problem_lists_the_known_ones(tmp_path: Path) -> None:
    written(tmp_path / "schema" / "wells")
    written(tmp_path / "schema" / "fields")
    (tmp_path / "schema" / "half").mkdir()

    with pytest.raises(
        InputError, match=r"no problem\.yaml in schema/feilds or feilds\. Known problems: fields, wells"
    ):
        problem_folder("feilds", tmp_path)


def test_where_there_is_no_problem_none_is_listed(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"Known problems: none\."):
        problem_folder("fields", tmp_path)


def test_the_file_with_the_fault_is_named(tmp_path: Path) -> None:
    folder = written(tmp_path / "fields", name="Fields")

    with pytest.raises(InputError, match=r"fields/problem\.yaml: key 'name'"):
        read_problem(folder)
