"""A bundle's files for three tasks: what its manifest and texts say, and what a missing part does."""

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from markdown_it import MarkdownIt

from edge.forms.metadata import read_card
from schema.errors import PipelineError
from tests.device_bundles import CROPS, STAMP, TASKS, VARIANTS, bound_problem, device_bundle, lay, make_device_models

Models = Callable[[str], Path]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Models:
    """models(task): the folder of a DeviceModels artifact."""
    return cache(lambda task: make_device_models(task, tmp_path_factory.mktemp(task)))


def manifest(folder: Path) -> dict[str, Any]:
    """What the bundle's manifest says."""
    return json.loads((folder / "manifest.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("task", TASKS)
def test_the_manifest_says_what_is_predicted_from_what(task: str, models: Models, tmp_path: Path) -> None:
    told = manifest(lay(task, models(task), tmp_path / "device"))

    assert (told["title"], told["problem"], told["task"]) == (TASKS[task]["title"], f"fields_{task}", task)
    assert (told["version"], told["created"], told["data_window"]) == (STAMP.version, STAMP.created, "span 3")
    assert told["threshold"] == (0.4 if task == "binary" else None)
    assert told["classes"] == (list(CROPS) if task == "multiclass" else [])
    assert (
        told["output"]
        == {
            "binary": {"name": "score", "size": 1, "unit": "", "description": "the probability that wet is 1"},
            "multiclass": {
                "name": "score",
                "size": 3,
                "unit": "",
                "description": "the probability of each class of crop, in the order of classes",
            },
            "regression": {
                "name": "score",
                "size": 1,
                "unit": "t",
                "offset": 0.0,
                "description": "the value of harvest",
            },
        }[task]
    )
    assert told["metric"] == {"binary": "auc", "multiclass": "accuracy", "regression": "mean_absolute_error"}[task]
    assert [(one["name"], one["kind"], one["missing"]) for one in told["features"]] == [
        ("soil", "string", ""),
        ("week", "integer", 7),
        ("rain", "number", None),
        ("area", "number", None),
    ]
    rain = told["features"][2]
    assert (rain["unit"], rain["description"], rain["minimum"], rain["maximum"]) == ("mm", "a day", 0, 40)
    assert {"minimum", "maximum"}.isdisjoint(told["features"][3])


def test_files_are_stamped_hashed_and_counted(models: Models, tmp_path: Path) -> None:
    folder = lay("binary", models("binary"), tmp_path / "device")

    variants = manifest(folder)["variants"]
    assert [variant["name"] for variant in variants] == list(VARIANTS)
    for variant in variants:
        name = variant["name"]
        assert variant["files"] == {
            "raw": f"{name}.tflite",
            "ids": f"{name}.ids.tflite",
            "packed": f"{name}.packed.tflite",
        }
        for form, file in variant["files"].items():
            content = (folder / file).read_bytes()
            assert variant["sha256"][file] == hashlib.sha256(content).hexdigest()
            assert variant["form_bytes"][form] == len(content)
            assert (read_card(content).version, read_card(content).form) == (str(STAMP.version), form)
        assert variant["bytes"] == variant["form_bytes"]["raw"]
        assert "FULLY_CONNECTED" in variant["operators"]
    assert [variant["tolerance"] for variant in variants] == [1e-6, 1e-6, 1e-4, 0]


def test_a_typical_row_is_a_real_one(models: Models, tmp_path: Path) -> None:
    folder = lay("binary", models("binary"), tmp_path / "device")

    typical = {feature["name"]: feature["typical"] for feature in manifest(folder)["features"]}
    golden = json.loads((folder / "golden.json").read_text(encoding="utf-8"))
    assert typical in golden["rows"][:10]


def test_rejected_variants_leave_no_trace(models: Models, tmp_path: Path) -> None:
    bundle = device_bundle("binary", models("binary"))
    kept = replace(bundle, accepted=[entry for entry in bundle.accepted if entry["name"] == "float16"])
    kept.lay(tmp_path, STAMP)

    assert sorted(path.name for path in tmp_path.glob("*.tflite")) == [
        *("float16.ids.tflite", "float16.packed.tflite", "float16.tflite"),
    ]
    golden = json.loads((tmp_path / "golden.json").read_text(encoding="utf-8"))
    assert list(golden["expected"]) == ["float16"]
    assert "int8" not in (tmp_path / "README.md").read_text(encoding="utf-8").replace("int64", "")


def test_a_release_without_an_accepted_variant_says_so(models: Models, tmp_path: Path) -> None:
    replace(device_bundle("binary", models("binary")), accepted=[]).lay(tmp_path, STAMP)

    assert sorted(path.name for path in tmp_path.iterdir()) == ["LICENSES.md", "README.md", "manifest.json"]
    assert manifest(tmp_path)["variants"] == []
    assert "None was accepted for this release." in (tmp_path / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("task", TASKS)
def test_the_readme_is_true_of_the_task(task: str, models: Models, tmp_path: Path) -> None:
    text = (lay(task, models(task), tmp_path / "device") / "README.md").read_text(encoding="utf-8")
    flat = " ".join(text.split())

    assert {
        "binary": "is the probability that wet is 1. From 0.4 on, wet = 1 is decided.",
        "multiclass": "The classes are, in this order: barley, maize, rye. The likeliest is decided.",
        "regression": "is the value of harvest, in t.",
    }[task] in flat
    assert ("threshold" in text, "decided" in text) == (False, task != "regression")
    assert "a string with a zero byte has words of -1, so that it is unseen" in flat
    shown = MarkdownIt().enable("table").render(text)
    assert shown.count("<table>") == 2
    assert "<b>names</b>" not in shown
    assert "as the survey &lt;b&gt;names&lt;/b&gt; it" in shown
    for name in ("Python", "Browser", "C", "Android (not run)", "iOS (not run)"):
        assert f"<h3>{name}</h3>" in shown


def test_licences_name_the_datas_or_that_it_is_not_told(models: Models, tmp_path: Path) -> None:
    bundle = device_bundle("binary", models("binary"))
    (tmp_path / "told").mkdir()
    bundle.lay(tmp_path / "told", STAMP)
    bound = bound_problem("binary")
    untold = bound.problem.data.model_copy(update={"license": "", "source": ""})
    problem = bound.problem.model_copy(update={"data": untold})
    (tmp_path / "untold").mkdir()
    replace(bundle, bound=bound.model_copy(update={"problem": problem})).lay(tmp_path / "untold", STAMP)

    told, untold_text = ((tmp_path / name / "LICENSES.md").read_text(encoding="utf-8") for name in ("told", "untold"))
    assert "of the data of a survey of fields" in told
    assert "| CC0-1.0 |" in told
    assert "not told: problem.yaml has no data.license" in untold_text


@pytest.mark.parametrize(
    ("part", "said"),
    [
        ("int8.packed.tflite", r"int8\.packed\.tflite: absent from what DeviceModels made"),
        ("golden.json", r"golden\.json: absent from what DeviceModels made"),
        ("vocab.json", r"vocab\.json: absent from what DeviceModels made"),
    ],
)
def test_a_part_that_is_absent_is_named(part: str, said: str, models: Models, tmp_path: Path) -> None:
    copied = shutil.copytree(models("binary"), tmp_path / "models")
    (copied / part).unlink()
    (tmp_path / "device").mkdir()

    with pytest.raises(PipelineError, match=said):
        device_bundle("binary", copied).lay(tmp_path / "device", STAMP)


def test_golden_rows_without_a_variants_answers_are_refused(models: Models, tmp_path: Path) -> None:
    copied = shutil.copytree(models("binary"), tmp_path / "models")
    golden = json.loads((copied / "golden.json").read_text(encoding="utf-8"))
    del golden["expected"]["int8"]
    (copied / "golden.json").write_text(json.dumps(golden), encoding="utf-8")
    (tmp_path / "device").mkdir()

    with pytest.raises(PipelineError, match=r"golden\.json: no answers of the accepted variant 'int8'"):
        device_bundle("binary", copied).lay(tmp_path / "device", STAMP)
