"""Two parts of a report that count or measure the same slice otherwise, and the gate that then refuses."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf
from google.protobuf import text_format
from tensorflow_model_analysis.proto import metrics_for_slice_pb2, validation_result_pb2
from tfx.types.standard_artifacts import Model, ModelBlessing, ModelEvaluation

from components.artifacts import DeviceModels, Verdict
from components.evaluation.evaluation_counts import slice_counts
from components.release.release_gate import ReleaseGate
from components.release.report_agreement import disagreements
from reports.artifacts.evaluation import SliceResult, load_slices
from reports.artifacts.intervals import Estimate
from schema.row_ledger import write_counts

FIX = "Run again with --from Evaluator --no-cache"


def measured(name: str, rows: int, value: float, metric: str = "auc") -> SliceResult:
    """A slice of an evaluation, such as `carrier=US`, or `overall`."""
    pairs = () if name == "overall" else tuple(tuple(pair.split("=")) for pair in name.split(", "))
    figures = {"example_count": Estimate(rows), metric: Estimate(value)}
    return SliceResult(name, pairs, rows, {"candidate": figures})  # type: ignore[arg-type]


def scored(rows: int, server: float, metric: str = "auc", **slices: tuple[int, float | None]) -> dict[str, Any]:
    """A variant's entry: the server model on all rows and, by carrier, on slices."""
    entries = [{"slice": f"carrier={name}", "rows": rows, "server": value} for name, (rows, value) in slices.items()]
    return {"name": "int8", "metric": metric, "rows": rows, "server": server, "slices": entries}


OVERALL, US, UA = measured("overall", 10, 0.75), measured("carrier=US", 4, 0.5), measured("carrier=UA", 5, 0.8)
# One of the ten rows has no carrier.
WITHOUT = {"carrier": 1}
DEVICES = scored(10, 0.75, US=(4, 0.5), UA=(5, 0.8))


def test_parts_that_agree_are_no_reason() -> None:
    assert disagreements([OVERALL, US, UA], WITHOUT, [DEVICES]) == []
    # No variant was made, or none could be scored: there is nothing beside the evaluation.
    assert disagreements([OVERALL, US, UA], WITHOUT, []) == []
    assert disagreements([OVERALL, US, UA], WITHOUT, [scored(0, 0.0)]) == []
    assert disagreements([OVERALL, US, UA], WITHOUT, [scored(10, 0.75), DEVICES]) == []


def test_slices_that_lack_a_row_of_all_rows_are_a_reason() -> None:
    first, fix = disagreements([OVERALL, US, UA], {"carrier": 0}, [])

    assert first == "sum of slices, by carrier: 9 rows, expected 10 evaluated overall"
    assert FIX in fix


def test_a_slice_that_only_one_part_has_is_a_reason() -> None:
    found = disagreements([OVERALL, US], {"carrier": 6}, [DEVICES])
    assert found[0] == "carrier=UA: 0 rows in the evaluation, 5 where the device models were scored"

    found = disagreements([OVERALL, US, UA], WITHOUT, [scored(10, 0.75, US=(4, 0.5))])
    assert found[0] == "carrier=UA: 5 rows in the evaluation, 0 where the device models were scored"


@pytest.mark.parametrize(
    ("metric", "rows", "value", "server", "agrees"),
    [
        ("auc", 67_433, 0.7180, 0.7180 + 5e-5, True),  # within a ten-thousandth
        ("auc", 67_433, 0.7180, 0.7190, False),
        ("accuracy", 200, 0.500, 0.505, True),  # one of 200 rows stands at a threshold
        ("accuracy", 200, 0.500, 0.511, False),
        # In the label's unit, whatever it is: a share of the value.
        ("mean_absolute_error", 200, 3e-12, 3e-12 * 1.00005, True),
        ("mean_absolute_error", 200, 3e-12, 3e-12 * 1.01, False),
        ("mean_absolute_error", 200, 4e9, 4e9 * 1.00005, True),
        ("mean_absolute_error", 200, 4e9, 4e9 * 1.01, False),
        ("auc", 10, float("nan"), None, True),  # of one class
    ],
)
def test_values_may_differ_by_rounding_alone(
    metric: str, rows: int, value: float, server: float | None, agrees: bool
) -> None:
    device = scored(rows, 0.0, metric) | {"server": server}

    found = disagreements([measured("overall", rows, value, metric)], {}, [device])

    assert (found == []) is agrees
    assert agrees or found[0].startswith(f"overall: {metric} {value:.6g} in the evaluation, {server:.6g} of the same")


@pytest.mark.parametrize(("value", "server"), [(0.5, None), (float("nan"), 0.5)])
def test_a_value_that_only_one_part_has_is_a_reason(value: float, server: float | None) -> None:
    found = disagreements([measured("overall", 10, value)], {}, [scored(10, 0.0) | {"server": server}])

    assert found[0].startswith("overall: auc has a value in one of the evaluation and the")


def write_evaluation(folder: Path, slices: dict[str, tuple[int, float]], without: int) -> None:
    """TFMA's file of an evaluation by carrier that misses no bound, with the counts beside it."""
    folder.mkdir()
    with tf.io.TFRecordWriter(str(folder / "metrics-00000-of-00001.tfrecord")) as writer:
        for name, (rows, auc) in slices.items():
            key = f'single_slice_keys {{ column: "carrier" bytes_value: "{name}" }}' if name != "overall" else ""
            values = "".join(
                f'metric_keys_and_values {{ key {{ name: "{metric}" }} value {{ double_value {{ value: {value} }} }} }}'
                for metric, value in (("example_count", rows), ("auc", auc))
            )
            found = text_format.Parse(f"slice_key {{ {key} }} {values}", metrics_for_slice_pb2.MetricsForSlice())
            writer.write(found.SerializeToString())
    with tf.io.TFRecordWriter(str(folder / "validations.tfrecord")) as writer:
        writer.write(validation_result_pb2.ValidationResult(validation_ok=True).SerializeToString())
    write_counts(slice_counts(load_slices(folder), {"carrier": without}), folder)


# The sample's test split as it was once released: a slice of which half the rows were gone, and the whole split.
LOST, WHOLE = (2033, 0.7559), (4108, 0.7180)


@pytest.mark.parametrize(
    ("evaluated", "reasons"),
    [
        (WHOLE, []),
        (
            LOST,
            [
                "sum of slices, by carrier: 65,358 rows, expected 67,433 evaluated overall",
                "carrier=US: 2,033 rows in the evaluation, 4,108 where the device models were scored",
                "carrier=US: auc 0.7559 in the evaluation, 0.718 of the same model where the device models were scored",
                f"counts: parts of the report disagree on the same model and rows, so that none of its figures can be "
                f"believed. {FIX}",
            ],
        ),
    ],
)
def test_a_card_whose_slice_lost_half_its_rows_is_not_released(
    evaluated: tuple[int, float], reasons: list[str], tmp_path: Path, artifact: Callable[..., Any]
) -> None:
    slices = {"overall": (67_433, 0.7214), "US": evaluated, "others": (63_325, 0.7)}
    write_evaluation(tmp_path / "evaluation", slices, without=0)
    blessing = artifact(ModelBlessing, tmp_path / "blessing")
    verdict, devices = artifact(Verdict, tmp_path / "serving"), artifact(DeviceModels, tmp_path / "devices")
    (tmp_path / "serving" / "verdict.json").write_text('{"reasons": []}', encoding="utf-8")
    variant = scored(67_433, 0.7214, US=WHOLE, others=(63_325, 0.7)) | {"accepted": True, "reasons": []}
    (tmp_path / "devices" / "variants.json").write_text(json.dumps([variant]), encoding="utf-8")

    ReleaseGate.test_call(
        model=artifact(Model, tmp_path / "model"),
        evaluation=artifact(ModelEvaluation, tmp_path / "evaluation"),
        serving=verdict,
        device_models=devices,
        blessing=blessing,
        min_accepted=1,
        min_slice_rows=1000,
        fingerprint="",
    )

    assert json.loads((tmp_path / "blessing" / "verdict.json").read_text(encoding="utf-8"))["reasons"] == reasons
    assert blessing.get_int_custom_property("blessed") == (not reasons)
