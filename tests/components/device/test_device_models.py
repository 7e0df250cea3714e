"""The node over a tiny model: what it writes of the test split, and a test split that is empty."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from pyarrow import parquet
from tfx.types.standard_artifacts import Examples, Model, Schema, TransformGraph

from components.artifacts import DeviceModels
from components.data.span_store import StoredSpan, link_spans
from components.device import device_models
from components.device.device_models import PREDICTIONS, DeviceModelsGen
from components.evaluation.batch_scoring import SERVER, Scored
from edge.forms.metadata import read_card
from edge.forms.writer import SUFFIXES
from models.export.export import RowModel, export
from models.network.network import build_network
from models.preprocessing.statistics import FILE, Statistics
from schema import signatures
from schema.errors import InputError
from tests.models.rows_case import SCHEMA, TRAIN, bound_problem, known_columns, write_rows

STATISTICS = Statistics(
    vocabularies={"soil": (b"clay", b"loam")},
    boundaries={"rain": (0.0, 1.0, 2.0, 3.0, 4.0), "area": (10.0, 20.0, 30.0, 40.0, 50.0)},
)
BOUND = bound_problem(
    device={"variants": ["float32"], "calibration_rows": 2}, split={"key": "week"}, evaluation={"slices": [["soil"]]}
)
Run = Callable[..., tuple[DeviceModels, Path]]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, artifact: Callable[..., Any]) -> Run:
    """run(test): the node on an untrained model, with these shards of test rows."""

    def node(test: list[list[dict[str, Any]]]) -> tuple[DeviceModels, Path]:
        folder = tmp_path_factory.mktemp("device")
        export(RowModel(BOUND, STATISTICS, build_network(BOUND, STATISTICS)), known_columns(), folder / "model")
        for place, (split, rows) in enumerate([("train", TRAIN), *(("test", rows) for rows in test)]):
            shard = write_rows(rows, folder / "rows" / str(place))
            target = folder / "store" / "03-1a2b-all" / f"Split-{split}" / f"{place}.gz"
            target.parent.mkdir(parents=True, exist_ok=True)
            shard.rename(target)
        link_spans([StoredSpan(3, str(folder / "store" / "03-1a2b-all"), {})], folder / "examples", ("train", "test"))
        known = artifact(Schema, folder / "schema")
        (folder / "schema" / "schema.pbtxt").write_text(str(SCHEMA), encoding="utf-8")
        graph = artifact(TransformGraph, folder / "graph")
        (folder / "graph" / FILE).write_text(STATISTICS.to_json(), encoding="utf-8")
        made = artifact(DeviceModels, folder / "made")
        DeviceModelsGen.test_call(
            model=artifact(Model, folder / "model"),
            examples=artifact(Examples, folder / "examples"),
            schema=known,
            transform_graph=graph,
            device_models=made,
            bound=BOUND.model_dump_json(),
            cache=str(folder / "cache"),
            fingerprint="code",
        )
        return made, folder

    return node


def test_the_test_split_is_scored_by_both_models_and_written_by_columns(run: Run) -> None:
    made, folder = run([TRAIN[:2], TRAIN[2:]])

    (score,) = json.loads((folder / "made" / "variants.json").read_text(encoding="utf-8"))
    assert (score["name"], score["rows"], score["broken_rows"], made.get_int_custom_property("accepted")) == (
        "float32",
        6,
        0,
        1,
    )
    assert score["largest_difference"] < 1e-6
    assert score["change"] == pytest.approx(0.0, abs=1e-9)
    assert [(one["slice"], one["rows"]) for one in score["slices"]] == [("soil=clay", 3), ("soil=loam", 2)]
    # Clay was dry in every row, loam wet.
    assert [one["value"] for one in score["slices"]] == [None, None]
    assert (score["worst_slice"], score["cause"], score["pareto"]) == (None, None, True)
    assert score["expectation"].startswith("the server model's answers")
    assert min(score["latency_p50_us"], score["rows_per_second"]) > 0
    table = parquet.read_table(folder / "made" / PREDICTIONS).to_pydict()
    assert table["wet"] == [0, 0, 0, 1, 1, 1]
    assert table["week"] == [8, 9, 10, 11, 12, 8]
    assert table["predicted.probability"] == pytest.approx(served(folder), abs=1e-6)


def test_every_form_has_a_card_and_answers_the_golden_rows_alike(run: Run) -> None:
    _, folder = run([TRAIN])

    made = folder / "made"
    cards = {form: read_card((made / f"float32{end}").read_bytes()) for form, end in SUFFIXES.items()}
    assert {form: card.form for form, card in cards.items()} == {"raw": "raw", "ids": "ids", "packed": "packed"}
    assert {(card.title, card.variant, card.version, card.data_window) for card in cards.values()} == {
        ("Is this field wet?", "float32", "0000000000", "span 3")
    }
    vocabulary = json.loads((made / "vocab.json").read_text(encoding="utf-8"))
    assert vocabulary == {
        "soil": {"terms": ["clay", "loam"], "words": 2, "missing_id": 0, "unseen_id": 1, "first_term_id": 2}
    }
    golden = json.loads((made / "golden.json").read_text(encoding="utf-8"))
    assert golden["rows"][0] == {"soil": "clay", "week": 8, "rain": 0.0, "area": 10.0}
    assert golden["ids"][0] == {"soil": 2, "week": 8, "rain": 0.0, "area": 10.0}
    assert [score for (score,) in golden["expected"]["float32"][:6]] == pytest.approx(served(folder), abs=1e-6)


def test_where_no_variant_could_be_made_each_says_why(
    run: Run, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    # What a conversion that was killed for its memory comes to.
    monkeypatch.setattr(device_models, "convert_each", lambda *_: ([], {"float32": "ended with signal 9"}))

    made, folder = run([TRAIN])

    (score,) = json.loads((folder / "made" / "variants.json").read_text(encoding="utf-8"))
    assert (score["name"], score["accepted"], score["reasons"]) == (
        "float32",
        False,
        ["not converted: ended with signal 9"],
    )
    assert made.get_int_custom_property("accepted") == 0
    assert "variant 'float32' could not be made: ended with signal 9" in caplog.text


def test_a_label_called_like_the_score_stays_beside_it(tmp_path: Path) -> None:
    bound = BOUND.model_copy(update={"problem": BOUND.problem.model_copy(update={"label": "probability"})})
    scores = {SERVER: np.array([[0.25], [0.5]], np.float32)}

    device_models.write_predictions(tmp_path / PREDICTIONS, bound, Scored(np.array([1, 0]), None, scores), 0.0)

    table = parquet.read_table(tmp_path / PREDICTIONS).to_pydict()
    assert table == {"probability": [1, 0], "predicted.probability": [0.25, 0.5]}


def test_a_test_split_without_rows_is_named(run: Run) -> None:
    with pytest.raises(InputError, match=r"split 'test': no rows in .*/Split-test\. Widen --span-window"):
        run([[]])


def served(folder: Path) -> list[float]:
    """The server model's own answers to the rows of TRAIN."""
    shard = write_rows(TRAIN, folder / "again")
    examples = tf.constant(list(tf.data.TFRecordDataset(str(shard), "GZIP").as_numpy_iterator()))
    loaded = tf.saved_model.load(str(folder / "model" / signatures.SERVING_FORM))
    answers: list[float] = loaded.signatures["serving_default"](examples)["probability"].numpy().tolist()
    return answers
