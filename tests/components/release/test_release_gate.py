"""Verdicts into one blessing: what stops a release, in sentences with numbers."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import text_format
from tensorflow_model_analysis.proto import validation_result_pb2
from tfx.types.standard_artifacts import Model, ModelBlessing, ModelEvaluation

from components.artifacts import DeviceModels, Verdict
from components.evaluation.eval_config import eval_config
from components.release.release_gate import ReleaseGate, device_reasons, evaluation_reasons, failure_sentence
from schema.problem import Problem

BIG, SMALL = "carrier=UA", "carrier=HA"
ROWS = {"overall": 5000, BIG: 1000, SMALL: 999}
SLICE = 'slice_key {{ single_slice_keys {{ column: "carrier" bytes_value: "{}" }} }}'
BELOW = """failures {
  metric_key { name: "auc" }
  metric_threshold { value_threshold { lower_bound { value: 0.68 } } }
  metric_value { double_value { value: 0.6512 } }
}"""
ABOVE = """failures {
  metric_key { name: "log_loss" }
  metric_threshold { value_threshold { upper_bound { value: 0.55 } } }
  metric_value { double_value { value: 0.5751 } }
}"""


def result(*slices: str, rest: str = "") -> validation_result_pb2.ValidationResult:
    """A verdict of TFMA with these failing slices."""
    text = "".join(f"metric_validations_per_slice {{ {each} }}" for each in slices)
    return text_format.Parse(text + rest, validation_result_pb2.ValidationResult())


def sentence(text: str) -> str:
    """What is said of one failure."""
    return failure_sentence(text_format.Parse(text, validation_result_pb2.ValidationFailure()), 12)


def value_failure(threshold: str, value: str) -> str:
    """A failure of auc against a threshold."""
    return (
        f'metric_key {{ name: "auc" }} metric_threshold {{ {threshold} }} '
        f"metric_value {{ double_value {{ value: {value} }} }}"
    )


def test_no_failure_is_no_reason() -> None:
    assert evaluation_reasons(result(rest="validation_ok: true"), ROWS, 1000) == []


def test_a_bound_missed_overall_is_told_with_both_numbers() -> None:
    assert evaluation_reasons(result(f"slice_key {{}} {BELOW} {ABOVE}"), ROWS, 1000) == [
        "overall: auc 0.6512 is 0.0288 below its floor 0.68",
        "overall: log_loss 0.5751 is 0.0251 above its ceiling 0.55",
    ]


def test_a_bound_missed_overall_counts_however_few_the_rows() -> None:
    assert len(evaluation_reasons(result(f"slice_key {{}} {BELOW}"), {"overall": 3}, 1000)) == 1


def test_a_bound_missed_on_a_slice_with_enough_rows_is_a_reason() -> None:
    assert evaluation_reasons(result(f"{SLICE.format('UA')} {BELOW}"), ROWS, 1000) == [
        "carrier=UA: auc 0.6512 is 0.0288 below its floor 0.68"
    ]


@pytest.mark.parametrize("carrier", ["HA", "never counted"])
def test_a_slice_with_too_few_rows_is_not_judged(carrier: str) -> None:
    assert evaluation_reasons(result(f"{SLICE.format(carrier)} {BELOW}"), ROWS, 1000) == []


def test_a_slice_of_two_features_is_named_by_both() -> None:
    key = """slice_key {
      single_slice_keys { column: "carrier" bytes_value: "UA" } single_slice_keys { column: "month" int64_value: 2 }
    }"""

    assert evaluation_reasons(result(f"{key} {BELOW}"), ROWS | {"carrier=UA, month=2": 2000}, 1000) == [
        "carrier=UA, month=2: auc 0.6512 is 0.0288 below its floor 0.68"
    ]


def test_slices_of_which_there_is_no_row_are_named() -> None:
    missing = 'missing_slices { feature_keys: "carrier" feature_keys: "origin" } missing_slices {}'

    assert evaluation_reasons(result(rest=missing), ROWS, 1000) == [
        "carrier, origin: no row to judge",
        "overall: no row to judge",
    ]


@pytest.mark.parametrize(
    ("value", "worst", "told"),
    [
        ("-0.015", "-0.01", "auc changed by -0.0150 against the baseline; at worst -0.0100 allowed"),
        ("0.03", "0.02", "auc changed by +0.0300 against the baseline; at worst +0.0200 allowed"),
    ],
)
def test_a_change_for_the_worse_is_told_against_the_baseline(value: str, worst: str, told: str) -> None:
    assert sentence(value_failure(f"change_threshold {{ absolute {{ value: {worst} }} }}", value)) == told


def test_a_miss_that_four_places_do_not_show_is_not_called_zero() -> None:
    floor = "value_threshold { lower_bound { value: 0.68 } }"

    assert sentence(value_failure(floor, "0.6799996")) == "auc 0.6800 is 4e-07 below its floor 0.68"


@pytest.mark.parametrize(
    ("threshold", "what"),
    [
        ("value_threshold { lower_bound { value: 0.68 } }", "auc"),
        ("change_threshold {}", "auc's change against the baseline"),
    ],
)
def test_a_bound_on_a_metric_without_a_value_is_refused_with_why_and_of_how_many_rows(
    threshold: str, what: str
) -> None:
    assert sentence(value_failure(threshold, "nan")) == f"{what} is undefined: 12 rows, all of one class"


def test_a_model_of_which_no_row_was_evaluated_is_refused_without_a_bound_too() -> None:
    assert evaluation_reasons(result(rest="validation_ok: true"), {}, 1000) == ["overall: no row was evaluated"]


def test_what_tfma_says_of_its_own_is_one_line() -> None:
    assert sentence('metric_key { name: "auc" } message: "Metric\\n   not found. "') == "auc: Metric not found."


def variant(name: str, *reasons: str) -> dict[str, Any]:
    """A device variant, accepted where there is no reason against it."""
    return {"name": name, "accepted": not reasons, "reasons": list(reasons)}


def test_enough_variants_are_no_reason_whatever_the_others_did() -> None:
    assert device_reasons([variant("float32"), variant("int8", "flip rate 0.0300")], 1) == []
    assert device_reasons([], 0) == []


def test_too_few_variants_are_told_with_what_was_wrong_with_the_others() -> None:
    variants = [variant("float32"), variant("float16", "auc 0.6900 is low", "flip rate 0.0300"), variant("int8", "no")]

    assert device_reasons(variants, 2) == [
        "device: 1 of 3 variants accepted, 2 needed. float16: auc 0.6900 is low, flip rate 0.0300; int8: no"
    ]
    assert device_reasons([], 1) == ["device: 0 of 0 variants accepted, 1 needed."]


@pytest.fixture
def gate(tmp_path: Path, artifact: Callable[..., Any]) -> Callable[..., Any]:
    """gate(evaluation, serving reasons, variants, ...): the blessing that the node writes for model 7."""

    def run(
        evaluation: Path,
        serving: tuple[str, ...] = (),
        variants: tuple[dict[str, Any], ...] = (variant("int8"),),
        min_slice_rows: int = 1,
    ) -> Any:
        model = artifact(Model, tmp_path / "model")
        model.id = 7
        blessing = artifact(ModelBlessing, tmp_path / "blessing")
        verdict, devices = artifact(Verdict, tmp_path / "serving"), artifact(DeviceModels, tmp_path / "devices")
        (tmp_path / "serving" / "verdict.json").write_text(json.dumps({"reasons": serving}), encoding="utf-8")
        (tmp_path / "devices" / "variants.json").write_text(json.dumps(variants), encoding="utf-8")
        ReleaseGate.test_call(
            model=model,
            evaluation=artifact(ModelEvaluation, evaluation),
            serving=verdict,
            device_models=devices,
            blessing=blessing,
            min_accepted=1,
            min_slice_rows=min_slice_rows,
            fingerprint="",
        )
        return blessing

    return run


@pytest.fixture(scope="module")
def good_evaluation(evaluate: Callable[..., Path], make_problem: Callable[..., Problem]) -> Path:
    """An evaluation that misses nothing."""
    return evaluate(eval_config(make_problem(bounds={"binary_accuracy": 0.7})), baseline=False)


def read(blessing: Any) -> dict[str, Any]:
    """The verdict beside the mark."""
    return json.loads((Path(blessing.uri) / "verdict.json").read_text(encoding="utf-8"))


def marks(blessing: Any) -> list[str]:
    """Names of the files that other nodes look for."""
    return sorted(path.name for path in Path(blessing.uri).glob("*BLESSED"))


def test_a_model_that_holds_everything_is_blessed_as_evaluator_does(
    gate: Callable[..., Any], good_evaluation: Path, tmp_path: Path
) -> None:
    blessing = gate(good_evaluation)

    assert marks(blessing) == ["BLESSED"]
    assert blessing.get_int_custom_property("blessed") == 1
    assert blessing.get_int_custom_property("current_model_id") == 7
    assert blessing.get_string_custom_property("current_model") == str(tmp_path / "model")
    assert read(blessing) == {
        "blessed": True,
        "reasons": [],
        "metrics": {"example_count": 8.0, "auc": pytest.approx(15 / 16, abs=1e-4), "binary_accuracy": 0.75},
    }


def test_every_kind_of_reason_stops_and_all_are_told(gate: Callable[..., Any], second_evaluation: Path) -> None:
    blessing = gate(
        second_evaluation,
        serving=("a tf.compat.v1 Session does not serve it",),
        variants=(variant("int8", "flip rate 0.0300"),),
    )

    assert marks(blessing) == ["NOT_BLESSED"]
    assert blessing.get_int_custom_property("blessed") == 0
    assert read(blessing)["reasons"] == [
        "overall: auc 0.9375 is 0.0125 below its floor 0.95",
        "overall: binary_accuracy changed by -0.2500 against the baseline; at worst -0.1000 allowed",
        "carrier=HA: binary_accuracy 0.0000 is 0.7000 below its floor 0.7",
        "serving: a tf.compat.v1 Session does not serve it",
        "device: 0 of 1 variants accepted, 1 needed. int8: flip rate 0.0300",
    ]


@pytest.mark.parametrize(("serving", "variants"), [(("no",), (variant("int8"),)), ((), (variant("int8", "no"),))])
def test_one_reason_of_one_kind_is_enough(
    gate: Callable[..., Any], good_evaluation: Path, serving: tuple[str, ...], variants: tuple[dict[str, Any], ...]
) -> None:
    blessing = gate(good_evaluation, serving, variants)

    assert marks(blessing) == ["NOT_BLESSED"]
    assert len(read(blessing)["reasons"]) == 1


@pytest.mark.parametrize(("min_slice_rows", "judged"), [(2, True), (3, False)])
def test_the_rows_of_a_slice_are_those_that_were_evaluated(
    gate: Callable[..., Any], first_evaluation: Path, min_slice_rows: int, judged: bool
) -> None:
    blessing = gate(first_evaluation, min_slice_rows=min_slice_rows)

    assert any(reason.startswith("carrier=HA: ") for reason in read(blessing)["reasons"]) is judged
