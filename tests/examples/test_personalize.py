"""The example that trains a head, as a person runs it: by itself, without TensorFlow and without this project."""

import json
import runpy
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge.on_device_training.interpreter_training import LearningModel
from edge.runtime.litert_model import Array
from schema.problem import Task
from tests.edge import trainable_case

SCRIPT = Path(__file__).resolve().parents[2] / "examples" / "device" / "python" / "personalize.py"
ALONE = "import runpy, sys; sys.modules.update(tensorflow=None, edge=None, schema=None); sys.argv = sys.argv[1:]; "


@pytest.fixture(scope="module", params=list(Task))
def task(request: pytest.FixtureRequest) -> Task:
    """Each task."""
    found: Task = request.param
    return found


@pytest.fixture(scope="module")
def model(task: Task, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trainable file of the task."""
    return trainable_case.write(task, tmp_path_factory.mktemp("model"))


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Runs the script where nothing but NumPy and LiteRT can be imported."""
    code = ALONE + "runpy.run_path(sys.argv[0], run_name='__main__')"
    command = [sys.executable, "-c", code, SCRIPT, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=SCRIPT.parent)


def write_rows(path: Path, columns: dict[str, Array], labels: list[Any]) -> Path:
    """The rows as JSON lines, missing values left out or null."""
    lines = []
    for place, label in enumerate(labels):
        row: dict[str, Any] = {"hour": int(columns["hour"][place]), "late": label}
        if columns["carrier"][place]:
            row["carrier"] = columns["carrier"][place].decode()
        distance = float(columns["distance"][place])
        row["distance"] = None if np.isnan(distance) else distance
        lines.append(json.dumps(row))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def given_labels(task: Task, columns: dict[str, Array]) -> list[Any]:
    """The labels as a person writes them."""
    found = trainable_case.labels(task, columns).tolist()
    return [("early", "in time", "late")[label] for label in found] if task is Task.MULTICLASS else found


def flags(task: Task) -> list[str]:
    """What the task needs on the command line."""
    return ["--label", "late", *(["--classes", "early,in time,late"] if task is Task.MULTICLASS else [])]


def test_it_learns_saves_and_goes_on(task: Task, model: Path, tmp_path: Path) -> None:
    columns = trainable_case.rows(200)
    rows, head = write_rows(tmp_path / "rows.jsonl", columns, given_labels(task, columns)), tmp_path / "head.npz"
    done = run(model, rows, *flags(task), "--head", head, "--passes", "5", "--learning_rate", "0.05")
    assert done.returncode == 0, done.stderr
    before, after = losses(done.stdout)
    # Every fifth row, from the first, is held out.
    held_out = {name: column[::5] for name, column in columns.items()}
    labels = trainable_case.labels(task, columns)[::5]
    trained = LearningModel(model)
    assert before == pytest.approx(trained.train(held_out, labels, 0.0).loss, abs=1e-4)
    with np.load(head) as saved:
        trained.set_head({name: saved[name] for name in ("kernel", "bias")})
    assert after == pytest.approx(trained.train(held_out, labels, 0.0).loss, abs=1e-4)
    assert after < 0.95 * before

    again = run(model, rows, *flags(task), "--head", head, "--passes", "1", "--learning_rate", "0.05")
    assert again.stdout.startswith(f"goes on from {head}\n")
    assert losses(again.stdout)[0] == after


def losses(output: str) -> tuple[float, float]:
    """Before and after."""
    words = next(line for line in output.splitlines() if line.startswith("loss ")).split()
    return float(words[6]), float(words[8])


def test_a_rate_too_large_leaves_the_head_as_it_was(task: Task, model: Path, tmp_path: Path) -> None:
    columns = trainable_case.rows(50)
    rows, head = write_rows(tmp_path / "rows.jsonl", columns, given_labels(task, columns)), tmp_path / "head.npz"
    done = run(model, rows, *flags(task), "--head", head, "--learning_rate", "1e30")
    assert done.returncode == 0, done.stderr
    with np.load(head) as saved:
        np.testing.assert_array_equal(saved["kernel"], LearningModel(model).head()["kernel"])


def test_what_is_wrong_is_named(tmp_path: Path) -> None:
    binary = trainable_case.write(Task.BINARY, tmp_path)
    columns = trainable_case.rows(10)
    rows = write_rows(tmp_path / "rows.jsonl", columns, given_labels(Task.BINARY, columns))
    lines = rows.read_text(encoding="utf-8").splitlines()
    head = tmp_path / "head.npz"

    def refused(line: str, *others: str | Path) -> str:
        rows.write_text("\n".join([line, *lines]), encoding="utf-8")
        done = run(binary, rows, "--label", "late", "--head", head, *others)
        assert (done.returncode, done.stdout, head.exists()) == (2, "", False)
        return done.stderr.splitlines()[-1]

    assert "rows.jsonl, line 1: 'hour': expected an integer or null. Received: 1.5" in refused(
        '{"hour": 1.5, "late": 1}'
    )
    assert "line 1: no feature 'hours'. Features: carrier, distance, hour" in refused('{"hours": 1, "late": 1}')
    assert "line 1: 'late': expected a class number, or --classes and one of them. Received: None" in refused("{}")
    assert "line 1: no JSON" in refused("late")
    assert "line 1: expected an object. Received: [1]" in refused("[1]")
    assert "'late': 1 labels are none that the model knows" in refused('{"late": 7}')
    assert "line 1: 'late': expected one of a, b. Received: 1" in refused('{"late": 1}', "--classes", "a,b")

    rows.write_text("\n".join(lines), encoding="utf-8")
    np.savez(head, model=np.array("another"), **LearningModel(binary).head())
    assert "the head of another model file" in run(binary, rows, "--label", "late", "--head", head).stderr
    head.write_text("no zip", encoding="utf-8")
    assert "not a saved head" in run(binary, rows, "--label", "late", "--head", head).stderr
    assert "not a trainable LiteRT model" in run(rows, rows).stderr
    assert "no such file" in run(tmp_path / "absent.tflite", rows).stderr
    assert "head.npz: no such folder: " in run(binary, rows, "--head", tmp_path / "absent" / "head.npz").stderr
    rows.write_bytes(b'{"carrier": "\xff"}\n')
    assert "rows.jsonl: expected UTF-8. Received: byte 0xff" in run(binary, rows, "--head", tmp_path / "new").stderr


def test_a_head_has_the_name_that_was_given(tmp_path: Path) -> None:
    binary = trainable_case.write(Task.BINARY, tmp_path)
    columns = trainable_case.rows(20)
    rows = write_rows(tmp_path / "rows.jsonl", columns, given_labels(Task.BINARY, columns))

    (folder := tmp_path / "heads").mkdir()
    calls = [run(binary, rows, "--label", "late", "--head", folder / "head", "--passes", "1") for _ in range(2)]

    assert [done.returncode for done in calls] == [0, 0], calls
    assert [path.name for path in folder.iterdir()] == ["head"]
    assert calls[1].stdout.startswith("goes on from ")


def test_a_line_ends_at_a_line_feed_alone(tmp_path: Path) -> None:
    binary = trainable_case.write(Task.BINARY, tmp_path)
    row = json.dumps({"carrier": "A\u2028A\u2029A\x85A", "late": 1}, ensure_ascii=False)
    rows = tmp_path / "rows.jsonl"
    rows.write_bytes("\r\n".join([row] * 5).encode())

    done = run(binary, rows, "--label", "late", "--head", tmp_path / "head.npz", "--passes", "1")

    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def personal(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, type[Exception]]:
    """The binary model as the script loads it, and the script's own error."""
    script = runpy.run_path(str(SCRIPT))
    model = trainable_case.write(Task.BINARY, tmp_path_factory.mktemp("personal"))
    return script["Personal"](model), script["GivenError"]


def test_what_is_no_whole_head_is_said_in_a_sentence(personal: tuple[Any, type[Exception]], tmp_path: Path) -> None:
    model, error = personal
    head = tmp_path / "head.npz"
    model.save(head)
    whole = head.read_bytes()
    np.save(tmp_path / "array.npy", np.zeros(3))
    cut = [whole[:length] for length in range(0, len(whole), 7)]

    for content in [*cut, (tmp_path / "array.npy").read_bytes()]:
        head.write_bytes(content)
        with pytest.raises(error, match=r"head\.npz: not a saved head: .*\. Give another --head to start anew"):
            model.restore(head)


@pytest.mark.parametrize("ended_by", [KeyboardInterrupt, OSError(28, "No space left on device")])
def test_a_save_that_is_ended_leaves_the_last_good_head(
    personal: tuple[Any, type[Exception]], ended_by: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, error = personal
    head = tmp_path / "head.npz"
    model.save(head)
    good = head.read_bytes()
    monkeypatch.setattr(np, "savez", half_written(np.savez, ended_by))

    with pytest.raises((KeyboardInterrupt, error)):
        model.save(head)

    assert head.read_bytes() == good


def half_written(save: Callable[..., None], ended_by: Any) -> Callable[..., None]:
    """`save`, which is ended in the middle of the file."""

    def ended(file: Any, **arrays: Any) -> None:
        save(file, **arrays)
        path = file if isinstance(file, Path) else Path(file.name)
        path.write_bytes(path.read_bytes()[:100])
        raise ended_by

    return ended


def test_labels_with_an_offset_are_learnt_less_what_the_manifest_says(tmp_path: Path) -> None:
    columns = trainable_case.rows(50)
    plain, offset = [round(label) for label in given_labels(Task.REGRESSION, columns)], 1_700_000_000
    said = []
    for name, added in (("plain", 0), ("offset", offset)):
        (folder := tmp_path / name).mkdir()
        model = trainable_case.write(Task.REGRESSION, folder)
        if added:
            (folder / "manifest.json").write_text(json.dumps({"output": {"offset": added}}), encoding="utf-8")
        rows = write_rows(folder / "rows.jsonl", columns, [label + added for label in plain])
        done = run(model, rows, "--label", "late", "--head", folder / "head.npz", "--passes", "1")
        assert done.returncode == 0, done.stderr
        said.append(done.stdout.splitlines()[0])
    assert said[0] == said[1]

    (tmp_path / "offset" / "manifest.json").write_text("[]", encoding="utf-8")
    done = run(model, rows, "--label", "late", "--head", tmp_path / "new.npz")
    assert (done.returncode, "manifest.json: not the manifest of a device bundle" in done.stderr) == (2, True)
