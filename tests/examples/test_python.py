"""The Python example: golden rows and predictions, without TensorFlow and without this project."""

import json
import re
import runpy
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from edge.forms.string_packing import pack
from tests.device_bundles import TASKS, VARIANTS
from tests.examples.conftest import EXAMPLES, STRINGS

# An import of any of these fails, as it would where they are not installed.
ABSENT = ("tensorflow", "tf_keras", "tfx", "jax", "torch", "schema", "edge", "models", "components", "reports")
GUARD = f"import runpy, sys; sys.modules.update(dict.fromkeys({ABSENT})); "

Bundle = Callable[[str], Path]


def run(code: str, *arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Runs code with the guard, in a folder."""
    command = [sys.executable, "-c", GUARD + code, *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=120)


@pytest.fixture
def predict(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """predict(*arguments): the example, copied to a folder of its own."""
    shutil.copy2(EXAMPLES / "python" / "predict.py", tmp_path)
    code = "sys.argv[0] = 'predict.py'; runpy.run_path('predict.py', run_name='__main__')"
    return lambda *arguments: run(code, *map(str, arguments), folder=tmp_path)


@pytest.mark.parametrize("task", TASKS)
def test_golden_rows_of_every_variant_and_form_agree(task: str, bundle: Bundle, predict: Callable[..., object]) -> None:
    done = predict(bundle(task))

    assert done.returncode == 0, done.stderr
    lines = [line.split() for line in done.stdout.splitlines()[4:]]
    assert [line[:2] for line in lines] == [[name, form] for name in VARIANTS for form in ("raw", "ids", "packed")]
    assert {" ".join(line[2:5]) for line in lines} == {"16 of 16"}
    assert {line[5] for line in lines} == {"0"}


def test_a_row_is_answered_the_same_by_flags_by_json_and_from_a_file(
    bundle: Bundle, predict: Callable[..., object], tmp_path: Path
) -> None:
    row = {"soil": "clay", "week": 9, "rain": 3.5}
    (tmp_path / "rows.json").write_text(json.dumps([row, row | {"soil": "moon dust", "area": None}]), encoding="utf-8")
    folder = bundle("binary")

    flags = predict(folder, "--set", "soil=clay", "--set", "week=9", "--set", "rain=3.5", "--variant", "float32")
    as_json = predict(folder, "--row", json.dumps(row), "--variant", "float32", "--form", "packed")
    from_file = predict(folder, "--rows", "rows.json", "--variant", "float32", "--form", "ids")

    assert flags.returncode == 0, flags.stderr
    assert re.fullmatch(r"wet: \d+\.\d%, (at or above|below) the threshold of 40%\n", flags.stdout)
    assert as_json.stdout == flags.stdout
    assert from_file.stdout.splitlines()[0] == flags.stdout.strip()
    assert len(from_file.stdout.splitlines()) == 2


def test_classes_are_told_from_the_likeliest_on_and_a_value_with_its_unit(
    bundle: Bundle, predict: Callable[..., object]
) -> None:
    classes = predict(bundle("multiclass"), "--set", "soil=loam").stdout
    shares = [float(share) for share in re.findall(r"(\d+\.\d)%", classes)]
    assert shares == sorted(shares, reverse=True)
    assert sum(shares) == pytest.approx(100, abs=0.2)
    assert re.fullmatch(r"harvest: -?[\d.]+ t\n", predict(bundle("regression"), "--set", "soil=loam").stdout)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--variant", "int9"], r"no variant 'int9' in .*\. Variants: float32, float16, dynamic_int8, int8"),
        (["--row", '{"sole": "clay"}'], r"no feature 'sole'\. Features: soil, week, rain, area"),
        (["--row", '{"soil": 3}'], r"feature 'soil': expected a string, or null where it is missing\. Received: 3"),
        (["--row", '{"week": 8.5}'], r"feature 'week': expected an integer of 32 bits, .* Received: 8\.5"),
        (["--row", '{"week": 4294967296}'], r"feature 'week': expected an integer of 32 bits"),
        (["--row", '{"rain": "much"}'], r"feature 'rain': expected a number"),
        (["--row", '{"rain": true}'], r"feature 'rain': expected a number"),
        (["--row", "[1]"], r"--row: expected a JSON object"),
        (["--row", "{"], r"--row: Expecting property name"),
        (["--set", "soil"], r"--set: expected feature=value\. Received: soil"),
        (["--set", "week=nine"], r"feature 'week': expected an integer\. Received: nine"),
        (["--rows", "absent.json"], r"absent\.json: .*No such file"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(
    arguments: list[str], said: str, bundle: Bundle, predict: Callable[..., object]
) -> None:
    done = predict(bundle("binary"), *arguments)

    assert done.returncode == 2
    assert re.search(said, done.stderr), done.stderr
    assert "Traceback" not in done.stderr


def test_strings_are_packed_as_the_files_were_made() -> None:
    words = runpy.run_path(str(EXAMPLES / "python" / "predict.py"))["words"]
    for count in (1, 2, 4):
        assert [words(text, count) for text in STRINGS] == pack([text.encode() for text in STRINGS], count).tolist()


def test_a_string_with_a_zero_byte_is_unseen_in_every_form(bundle: Bundle, predict: Callable[..., object]) -> None:
    def answer(form: str, soil: str) -> str:
        row = {"soil": soil, "week": 9, "rain": 3.5}
        done = predict(bundle("multiclass"), "--row", json.dumps(row), "--variant", "float32", "--form", form)
        assert done.returncode == 0, done.stderr
        said: str = done.stdout
        return said

    unseen = answer("raw", "moon dust")
    assert answer("raw", "clay") != unseen
    assert [answer(form, "clay\0") for form in ("raw", "ids", "packed")] == [unseen] * 3


def test_a_folder_without_a_bundle_and_a_broken_one_are_said(
    bundle: Bundle, predict: Callable[..., object], tmp_path: Path
) -> None:
    assert "no device bundle there (manifest.json is absent)" in predict(tmp_path).stderr
    broken = shutil.copytree(bundle("binary"), tmp_path / "broken")
    (broken / "int8.tflite").write_bytes(b"not a model")
    assert "int8.tflite: not a LiteRT model" in predict(broken, "--variant", "int8").stderr
    (broken / "int8.tflite").unlink()
    assert (
        "int8.tflite: the file is absent, though the manifest names it" in predict(broken, "--variant", "int8").stderr
    )


def test_a_bundle_without_an_accepted_variant_says_so(
    bundle_without_variants: Path, predict: Callable[..., object]
) -> None:
    done = predict(bundle_without_variants)

    said = f"{bundle_without_variants}: the bundle has no variant: none was accepted for this release\n"
    assert (done.returncode, done.stdout, done.stderr) == (2, "", said)


def test_answers_that_differ_from_the_golden_ones_are_counted(
    bundle: Bundle, predict: Callable[..., object], tmp_path: Path
) -> None:
    changed = shutil.copytree(bundle("binary"), tmp_path / "changed")
    golden = json.loads((changed / "golden.json").read_text(encoding="utf-8"))
    golden["expected"]["int8"][3][0] += 0.25
    (changed / "golden.json").write_text(json.dumps(golden), encoding="utf-8")

    done = predict(changed, "--variant", "int8", "--form", "ids")

    assert done.returncode == 1
    assert re.search(r"int8 +ids +15 of 16 +0\.25 ", done.stdout)


@pytest.mark.parametrize("task", TASKS)
def test_the_readmes_lines_of_python_give_the_golden_answer(task: str, bundle: Bundle) -> None:
    folder = bundle(task)
    text = (folder / "README.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    name = re.search(r'Interpreter\("(\w+)\.tflite"\)', code)[1]

    done = run(f"exec({code!r}); print(score[0].tolist())", folder=folder)

    golden = json.loads((folder / "golden.json").read_text(encoding="utf-8"))
    np.testing.assert_array_equal(np.float32(json.loads(done.stdout)), np.float32(golden["expected"][name][0]))
