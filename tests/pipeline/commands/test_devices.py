"""The devices command: the table, the choice, and what it says when it cannot."""

import json
from pathlib import Path
from typing import Any

import pytest

from edge.gate.budget_selection import Budget
from pipeline.commands.devices import lines, main
from reports.runs.run_record import RunRecord, write_record

RUN = "20130101T120000-000000"


def variant(name: str, size: int, change: float, *reasons: str, **values: Any) -> dict[str, Any]:
    """An entry of variants.json, accepted without reasons against it."""
    costs = {"bytes": size, "gzip_bytes": size // 2, "latency_p50_us": 20.0, "latency_p95_us": 30.0}
    quality = {"metric": "auc", "value": 0.7 + change, "change": change, "peak_memory_bytes": 5_000_000}
    return {"name": name, **costs, **quality, "accepted": not reasons, "reasons": list(reasons), **values}


VARIANTS = [
    variant("float32", 600_000, 0.0),
    variant("int8", 150_000, -0.001),
    variant("int8_portable", 151_000, -0.0015),
    variant("tiny", 50_000, -0.05, "auc 0.6500 is 0.0500 below"),
]


@pytest.fixture
def output(tmp_path: Path) -> Path:
    """An output folder with one run that has these variants."""
    made = tmp_path / "artifacts" / "devices"
    made.mkdir(parents=True)
    (made / "variants.json").write_text(json.dumps(VARIANTS), encoding="utf-8")
    folder = tmp_path / "runs" / RUN
    folder.mkdir(parents=True)
    artifacts = {"DeviceModels.device_models": "artifacts/devices"}
    write_record(RunRecord(RUN, "finished", problem="flights", artifacts=artifacts), folder)
    return tmp_path


def test_the_table_marks_the_front_and_the_choice_and_says_why_not() -> None:
    assert lines(VARIANTS, Budget.parse("bytes=200k")) == [
        "   variant          bytes     gzip     auc   change  p50 us  peak MB  why not",
        ">* int8           150,000   75,000  0.6990  -0.0010      20      5.0",
        "   int8_portable  151,000   75,500  0.6985  -0.0015      20      5.0  beaten by another",
        " * float32        600,000  300,000  0.7000  +0.0000      20      5.0  bytes 600,000 > 200,000",
        "   tiny            50,000   25,000  0.6500  -0.0500      20      5.0  rejected: auc 0.6500 is 0.0500 below",
        "",
        "* on the Pareto front: no other accepted variant is as good in bytes, gzip, p50 and metric",
        "> to ship: int8, the best metric of the accepted variants within bytes <= 200,000",
    ]


def test_a_narrow_terminal_loses_memory_before_it_cuts() -> None:
    narrow = lines(VARIANTS, Budget(), width=80)

    assert "peak MB" not in narrow[0]
    assert all(len(line) <= 80 for line in narrow[:5])


def test_the_command_prints_the_choice(output: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--output", str(output)]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "> to ship: float32, the best metric of the accepted variants"


def test_the_command_answers_programs(output: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--output", str(output), "--run", "1", "--budget", "bytes=200k", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)

    assert (told["run"], told["chosen"], told["budget"]["bytes"]) == (RUN, "int8", 200_000)
    by_name = {one["name"]: one for one in told["variants"]}
    assert by_name["float32"]["unfit"] == ["bytes 600,000 > 200,000"]
    assert [name for name, one in by_name.items() if one["pareto"]] == ["float32", "int8"]


def test_where_none_fits_the_exit_code_says_so(output: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--output", str(output), "--budget", "latency_us=5"]) == 4
    written = capsys.readouterr().out
    assert "no accepted variant fits within latency_us <= 5" in written
    assert "latency_us 20 > 5" in written


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--budget", "byte=1"], "no key 'byte'. Did you mean 'bytes'?"),
        (["--run", "9"], "no run '9'"),
    ],
)
def test_what_cannot_be_answered_is_told(
    output: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], told: str
) -> None:
    assert main(["--output", str(output), *arguments]) == 2
    assert told in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "not readable as JSON: Expecting property name"),
        ("{}", "not the variants of a run: Input should be a valid list"),
        ("[]", "not the variants of a run: expected one or more. Received: none"),
        (json.dumps([{**VARIANTS[0], "metric": 1}]), "not the variants of a run: key '0.metric': Input should be"),
        ('[{"name": "int8"}]', "not the variants of a run: key '0.accepted': Field required"),
    ],
)
def test_variants_that_are_not_readable_are_told_with_their_file(
    output: Path, capsys: pytest.CaptureFixture[str], text: str, told: str
) -> None:
    path = output / "artifacts" / "devices" / "variants.json"
    path.write_text(text, encoding="utf-8")

    assert main(["--output", str(output)]) == 2
    written = capsys.readouterr()
    assert written.out == ""
    assert written.err.startswith(f"{path}: {told}")


def test_an_older_file_may_lack_what_was_not_measured(output: Path) -> None:
    old = [{key: one[key] for key in one if key not in ("change", "peak_memory_bytes")} for one in VARIANTS]
    (output / "artifacts" / "devices" / "variants.json").write_text(json.dumps(old), encoding="utf-8")

    assert main(["--output", str(output)]) == 0


def test_latest_is_the_newest_run_with_variants_and_is_named(output: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for later, status in (("20130201T120000-000000", "finished"), ("20130301T120000-000000", "failed")):
        (output / "runs" / later).mkdir()
        write_record(RunRecord(later, status, problem="flights"), output / "runs" / later)

    assert main(["--output", str(output)]) == 0
    told = f"run 3, {RUN}: the newest with device variants; run 1 (failed) has none"
    assert capsys.readouterr().out.splitlines()[0] == told
    assert main(["--output", str(output), "--run", "2"]) == 2
    told = "run 2, 20130201T120000-000000 (finished): has no device variants: DeviceModels did not finish in it. "
    assert capsys.readouterr().err == f"{told}Run 3, {RUN}, has some.\n"


def test_without_any_variants_latest_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "runs" / RUN).mkdir(parents=True)

    assert main(["--output", str(tmp_path)]) == 2
    told = f"run 1, {RUN} (cut off): has no device variants: DeviceModels did not finish in it. "
    assert capsys.readouterr().err == f"{told}No run in this folder has any.\n"


def test_variants_that_are_gone_are_told(output: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (output / "artifacts" / "devices" / "variants.json").unlink()
    assert main(["--output", str(output)]) == 2
    assert "variants.json has been removed" in capsys.readouterr().err
