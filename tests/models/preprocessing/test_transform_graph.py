"""A traced graph as TFT's own readers see it."""

from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf
import tensorflow_transform as tft

from models.preprocessing.statistics import Statistics, read_statistics
from models.preprocessing.transform_graph import write_transform_graph
from schema.errors import InputError
from tests.models.rows_case import SCHEMA, bound_problem, trace

KNOWN = Statistics(
    vocabularies={"soil": (b"clay", b"loam")},
    boundaries={"rain": (0.0, 1.0, 2.0, 3.0, 4.0), "area": (10.0, 20.0, 30.0, 40.0, 50.0)},
)


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The transform graph of KNOWN."""
    return trace(bound_problem(), KNOWN, tmp_path_factory.mktemp("traced") / "graph")


def test_tft_reads_the_raw_and_the_transformed_columns(graph: Path) -> None:
    output = tft.TFTransformOutput(str(graph))
    assert set(output.raw_feature_spec()) == {feature.name for feature in SCHEMA.feature}
    kinds = {name: spec.dtype for name, spec in output.transformed_feature_spec().items()}
    expected = {"soil": tf.int64, "week": tf.int64, "rain": tf.float32, "area": tf.float32, "wet": tf.int64}
    assert kinds == expected


def test_tft_applies_it(graph: Path) -> None:
    kinds = {"week": tf.int64, "rain": tf.float32, "area": tf.int64, "wet": tf.int64}
    columns = {name: tf.sparse.from_dense(tf.ones([2, 1], kind)) for name, kind in kinds.items()}
    layer = tft.TFTransformOutput(str(graph)).transform_features_layer()
    found = layer({"soil": tf.sparse.from_dense([["loam"], ["peat"]]), **columns})
    assert found["soil"].numpy().tolist() == [3, 1]


def test_the_statistics_lie_beside_it(graph: Path) -> None:
    assert read_statistics(graph) == KNOWN


def test_an_analyzer_of_tft_is_refused_and_the_place_for_it_named(tmp_path: Path) -> None:
    def analysing(inputs: dict[str, Any]) -> dict[str, tf.Tensor]:
        return {"rain": tft.scale_to_0_1(tf.sparse.to_dense(inputs["rain"]))}

    with pytest.raises(InputError, match=r"models\.preprocessing\.training_statistics"):
        write_transform_graph(analysing, SCHEMA, KNOWN, tmp_path)
