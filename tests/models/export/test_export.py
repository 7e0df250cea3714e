"""Every form of a model answers alike: all signatures, both loaders, every device variant, and training's own input."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from components.evaluation.serving_validator import validate
from edge.convert.converter import convert_each
from edge.convert.recipes import RECIPES
from edge.runtime.litert_model import DeviceModel
from models.export.export import RowModel, export
from models.export.raw_rows import Rows, read_rows
from models.network.network import build_network
from models.preprocessing.statistics import Statistics, read_statistics
from schema.bound import BoundProblem
from schema.rows import Kind
from schema.signatures import DEVICE_FORM, SERVING_FORM
from tests.models.rows_case import TRAIN, Row, analyse, bound_problem, known_columns, serialized, transform, write_rows

# As training knows them, unseen, out of domain and missing.
ROWS: list[Row] = [
    *TRAIN,
    {"soil": "peat", "week": 99, "rain": 2.5, "area": 15, "wet": 0},
    {"soil": "löss", "rain": 1e9, "area": -3, "wet": 0},
    {"wet": 1},
]
TASKS: dict[str, dict[str, Any]] = {
    "binary": {},
    "multiclass": {
        "task": "multiclass",
        "label": "soil",
        "classes": ["clay", "loam", "peat"],
        "features": {"week": {"encoding": "identity"}, "rain": {"encoding": "quantiles", "buckets": 4}},
    },
    "regression": {
        "task": "regression",
        "label": "rain",
        "features": {"soil": {"encoding": "vocabulary"}, "area": {"encoding": "quantiles", "buckets": 4}},
    },
}
LABELLED = {"binary": ROWS, "multiclass": ROWS[:5] + ROWS[6:7], "regression": ROWS[:5] + ROWS[6:8]}


class Case:
    """One task's problem, analysed, with an exported network and its rows."""

    def __init__(self, task: str, folder: Path) -> None:
        tf.keras.utils.set_random_seed(3)
        self.task, self.folder, self.rows = task, folder, LABELLED[task]
        self.bound: BoundProblem = bound_problem(**TASKS[task])
        self.graph = analyse(self.bound, self.rows[:5], folder)
        self.statistics: Statistics = read_statistics(self.graph)
        self.model = RowModel(self.bound, self.statistics, build_network(self.bound, self.statistics))
        export(self.model, known_columns(), folder / "model")
        self.shard = write_rows(self.rows, folder / "raw")
        self.raw: Rows = read_rows([self.shard], self.bound, known_columns())

    def ask(self, signature: str) -> dict[str, np.ndarray[Any, Any]]:
        """The served model's answer to all rows."""
        answer = tf.saved_model.load(str(self.folder / "model" / SERVING_FORM)).signatures[signature]
        if signature == "predict_rows":
            return {k: v.numpy() for k, v in answer(**{n: tf.constant(c) for n, c in self.raw.columns.items()}).items()}
        return {key: value.numpy() for key, value in answer(examples=serialized(self.shard)).items()}


@pytest.fixture(scope="module", params=list(TASKS))
def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Case:
    """One exported model of each task."""
    return Case(request.param, tmp_path_factory.mktemp(request.param))


def test_serving_encodes_as_training_did(case: Case, tmp_path: Path) -> None:
    trained_on = transform(case.graph, case.bound, case.rows, tmp_path)
    served = case.ask("transform_features")
    for name in case.bound.problem.features:
        np.testing.assert_allclose(served[name], trained_on[name], atol=1e-6, err_msg=name)


def test_named_rows_and_serialized_examples_get_the_same_answer(case: Case) -> None:
    by_example, by_row = case.ask("serving_default"), case.ask("predict_rows")
    assert by_example.keys() == by_row.keys()
    for key, values in by_example.items():
        assert len(values) == len(case.rows)
        if values.dtype.kind == "f":
            np.testing.assert_allclose(values, by_row[key], atol=1e-6)
        else:
            assert values.tolist() == by_row[key].tolist()


def test_the_class_goes_with_the_probability(case: Case) -> None:
    answer = case.ask("serving_default")
    if case.task == "regression":
        assert list(answer) == ["value"]
    elif case.task == "multiclass":
        names = [case.bound.problem.classes[index].encode() for index in answer["probability"].argmax(axis=1)]
        assert answer["class"].tolist() == names
        np.testing.assert_allclose(answer["probability"].sum(axis=1), 1.0, atol=1e-5)
    else:
        assert answer["class"].tolist() == (answer["probability"] >= 0.5).astype(int).tolist()


def test_both_loaders_serve_it(case: Case) -> None:
    assert validate(case.folder / "model" / SERVING_FORM, case.raw, case.bound) == []


def test_every_device_variant_answers_as_the_server(case: Case) -> None:
    key = "value" if case.task == "regression" else "probability"
    served = case.ask("predict_rows")[key].reshape(len(case.rows), -1)
    models = {recipe.technique: case.folder / "model" / DEVICE_FORM for recipe in RECIPES.values()}
    names = [name for name, recipe in RECIPES.items() if recipe.technique is None]
    made, failed = convert_each(models, names, case.folder / "device", case.raw.columns)
    assert failed == {}
    for variant in made:
        scores = DeviceModel(variant.path).predict(case.raw.columns)
        # A regression's unit here is millimetres of rain, of which a standard deviation is 1.4.
        allowed = 1e-5 if variant.recipe == "float32" else 0.05
        np.testing.assert_allclose(scores, served, atol=allowed, err_msg=variant.recipe)


def test_a_row_alone_and_in_a_batch_get_the_same_answer(case: Case) -> None:
    scores = DeviceModel(case.folder / "device" / "float32.tflite").predict(case.raw.columns)
    for place in range(len(case.rows)):
        alone = {name: column[place : place + 1] for name, column in case.raw.columns.items()}
        model = DeviceModel(case.folder / "device" / "float32.tflite")
        np.testing.assert_allclose(model.predict(alone)[0], scores[place], atol=1e-6)


def test_an_empty_list_is_as_a_feature_that_is_absent(case: Case) -> None:
    signature = tf.saved_model.load(str(case.folder / "model" / SERVING_FORM)).signatures["serving_default"]
    emptied = tf.train.Example()
    kinds = {Kind.STRING: "bytes_list", Kind.INTEGER: "int64_list", Kind.NUMBER: "float_list"}
    for name in case.bound.problem.features:
        getattr(emptied.features.feature[name], kinds[known_columns()[name].kind]).SetInParent()
    absent, empty = tf.train.Example().SerializeToString(), emptied.SerializeToString()
    for values in signature(examples=tf.constant([absent, empty])).values():
        np.testing.assert_array_equal(values[0].numpy(), values[1].numpy())


def test_two_values_of_one_feature_are_refused(case: Case) -> None:
    signature = tf.saved_model.load(str(case.folder / "model" / SERVING_FORM)).signatures["serving_default"]
    doubled = tf.train.Example()
    name = next(name for name in ("area", "rain") if name in case.bound.problem.features)
    values = doubled.features.feature[name]
    if known_columns()[name].kind is Kind.INTEGER:
        values.int64_list.value.extend([1, 2])
    else:
        values.float_list.value.extend([1.0, 2.0])
    with pytest.raises(tf.errors.InvalidArgumentError):
        signature(examples=tf.constant([doubled.SerializeToString()]))
