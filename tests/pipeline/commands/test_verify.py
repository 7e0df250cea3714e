"""A run verified from its files: all that agrees, and each number that does not, with both values."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import tensorflow as tf

from components.evaluation.evaluator import Executor
from pipeline.commands.verify import main
from reports.runs.run_record import RunRecord, write_record
from tests.evaluation.cases import Case, regression_case
from tests.evaluation.conftest import inputs, run, write_case

SITE, ROWS = "site=north", 200


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An output folder with one run that released version 1, evaluated by our Evaluator."""
    folder, case = tmp_path_factory.mktemp("output"), regression_case()
    evaluation = case.problem.evaluation.model_copy(update={"slices": (("site",),)})
    case = replace(case, problem=case.problem.model_copy(update={"evaluation": evaluation}))
    write_case(case, folder, shards=2)
    run(Executor(), case, inputs(folder, baseline=False), folder)
    shutil.copytree(folder / "candidate" / "Format-Serving", folder / "pushed" / "grown" / "1")
    _tell(folder, case)
    record = RunRecord(
        run_id="20260101T000000-000000",
        status="pushed",
        problem="grown",
        pushed={"version": "1", "path": ""},
        artifacts={
            "ExampleGen.examples": "examples",
            "ImportSchemaGen.schema": "schema",
            "Evaluator.evaluation": "evaluation",
            "Trainer.model": "candidate",
            "DeviceModels.device_models": "devices",
        },
    )
    (folder / "runs" / record.run_id).mkdir(parents=True)
    write_record(record, folder / "runs" / record.run_id)
    return folder


def _tell(folder: Path, case: Case) -> None:
    """What ExampleGen, DeviceModels and Pusher write of the rows and their metrics."""
    spans = [
        {"span": 1, "folder": "", "rows": {"test": 150, "train": 0}},
        {"span": 2, "folder": "", "rows": {"test": 50}},
    ]
    (folder / "examples" / "spans.json").write_text(json.dumps(spans))
    sites = [row.get("site") for row in case.rows]
    slices = [{"slice": f"site={site}", "rows": sites.count(site)} for site in set(sites) - {None}]
    variants = [{"name": "int8", "bytes": 9, "rows": ROWS, "slices": slices}, {"name": "none", "bytes": 0}]
    (folder / "devices").mkdir()
    (folder / "devices" / "variants.json").write_text(json.dumps(variants))
    errors = [abs(row["new"] - row["grown"]) for row in case.rows]
    metrics = {
        "example_count": ROWS,
        "mean_absolute_error": sum(errors) / ROWS,
        "mean_squared_error": sum(error**2 for error in errors) / ROWS,
        "mean_prediction": sum(row["new"] for row in case.rows) / ROWS,
    }
    (folder / "pushed" / "grown" / "1" / "manifest.json").write_text(json.dumps({"metrics": metrics}))


@pytest.fixture
def verified(output: Path, capfd: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
    """verified(flags): the exit code and what is said."""

    def call(*flags: str) -> tuple[int, str]:
        code = main(["--output", str(output), *flags])
        told = capfd.readouterr()
        return code, told.out + told.err

    return call


def test_a_run_whose_numbers_agree_is_said_to(verified: Callable[..., tuple[int, str]]) -> None:
    code, told = verified("--rows", "60")

    assert code == 0, told
    lines = told.splitlines()
    assert lines[0] == "run 20260101T000000-000000, released version 1"
    assert [line.split()[:2] for line in lines[2:7]] == [
        ["✓", title] for title in ("rows", "evaluation", "devices", "release", "TFMA")
    ]
    assert "test 200, train 0" in lines[2]
    assert "16 values on 4 slices" in lines[3]
    assert "16 values on 4 slices, of 60 rows drawn with seed 0" in lines[6]
    assert "all agree" in lines[-1]


def test_a_row_that_the_files_have_and_the_run_lost_is_found_wherever_it_is_counted(
    verified: Callable[..., tuple[int, str]], output: Path
) -> None:
    shard = output / "examples" / "Split-test" / "rows-2.gz"
    late = tf.train.Example()
    late.features.feature["site"].bytes_list.value.append(b"north")
    for name, value in (("grown", 1.0), ("new", 2.0)):
        late.features.feature[name].float_list.value.append(value)
    with tf.io.TFRecordWriter(str(shard), "GZIP") as writer:
        writer.write(late.SerializeToString())
    count = int(next(s["rows"] for s in _slices(output) if s["slice"] == SITE))
    try:
        code, told = verified("--rows", "60")
    finally:
        shard.unlink()

    assert code == 1
    assert "split 'test': ExampleGen counted 200 rows, its files hold 201" in told
    assert "overall: example_count is 200 in the evaluation, 201 counted anew from the files" in told
    assert f"{SITE}: example_count is {count} in the evaluation, {count + 1} counted anew from the files" in told
    assert f"int8 on {SITE}: {count} rows in variants.json, {count + 1} counted anew" in told
    assert "overall: example_count is 200 in manifest.json, 201 counted anew" in told
    # The sample is of the files alone, which TFMA and this project count alike.
    assert "✓ TFMA" in told
    assert "4 of 5 checks failed" in told


def _slices(output: Path) -> list[dict[str, object]]:
    slices: list[dict[str, object]] = json.loads((output / "devices" / "variants.json").read_text())[0]["slices"]
    return slices


@pytest.mark.parametrize(
    ("flags", "message"),
    [(["--run", "7"], "no run '7'"), (["--output", "/nowhere"], "--output /nowhere: no such folder")],
)
def test_what_is_not_there_is_named(verified: Callable[..., tuple[int, str]], flags: list[str], message: str) -> None:
    code, told = verified(*flags)

    assert code == 2
    assert message in told


def test_an_evaluation_that_has_been_removed_is_named(verified: Callable[..., tuple[int, str]], output: Path) -> None:
    (output / "evaluation").rename(output / "elsewhere")
    try:
        code, told = verified()
    finally:
        (output / "elsewhere").rename(output / "evaluation")

    assert code == 2
    assert told.strip() == f"run 20260101T000000-000000: {output / 'evaluation'} has been removed"
