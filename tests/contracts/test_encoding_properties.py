"""Ranks are the same in every unit, in any order of rows, and in every runtime: as plain NumPy has them in float64."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from edge.convert.conversion_source import float32
from edge.passes.shared_bucket_boundaries import store_edges_once
from edge.runtime.litert_model import DeviceModel
from models.preprocessing.encoder import Encoder
from models.preprocessing.statistics import Statistics
from models.preprocessing.training_statistics import Moments, Numbers
from schema.bound import BoundProblem
from schema.precision import Precision, merged
from tests.models.rows_case import bound_problem, trace, transform

Floats = NDArray[np.floating[Any]]

LARGEST = float(np.finfo(np.float32).max)
# The least number whose steps are no subnormal numbers, which a runtime may take for zero.
SMALLEST = 2.0**-100
BUCKETS = 64
NAMES = ("rain", "area")
# Units in the last place of a rank, which is a mean of clipped quotients.
CLOSE = 1e-6

PROPERTY = settings(deadline=None, derandomize=True, max_examples=60)

# Both signs and zero, from one end of float32 to the other.
MAGNITUDES = st.floats(SMALLEST, LARGEST, width=32)
NUMBERS = st.one_of(st.just(0.0), MAGNITUDES, MAGNITUDES.map(lambda number: -number), st.floats(-8, 8, width=16))
COLUMNS = st.lists(NUMBERS, min_size=1, max_size=80)
POWERS = st.integers(-30, 30)
SEEDS = st.integers(0, 2**32 - 1)


def ranks(numbers: Floats, boundaries: Floats) -> Floats:
    """[N] of numbers [N] among boundaries [K + 1], in float64: how much of each bucket lies below the number."""
    shares = []
    for low, high in zip(boundaries[:-1].astype(np.float64), boundaries[1:].astype(np.float64), strict=True):
        above = numbers.astype(np.float64) - low
        shares.append(np.clip(above / (high - low), 0.0, 1.0) if high > low else (above > 0).astype(np.float64))
    return np.mean(shares, axis=0)


def analysed(*parts: Floats) -> Floats:
    """The boundaries of a column whose rows come in these parts, each analysed alone."""
    whole = Numbers(BUCKETS)
    for part in parts:
        numbers = Numbers(BUCKETS)
        numbers.add(pa.array(part))
        whole.merge(numbers)
    return np.array(whole.boundaries(), np.float32)


def problem() -> BoundProblem:
    """Two columns of numbers, a column of floats and one of integers."""
    return bound_problem(features={name: {"encoding": "quantiles", "buckets": BUCKETS} for name in NAMES})


def encoded(numbers: Floats, boundaries: Floats) -> Floats:
    """Ranks by the encodings themselves, beside a column of ones in the same group."""
    known = Statistics({}, {"rain": tuple(boundaries.tolist()), "area": (1.0,) * (BUCKETS + 1)})
    rows = {"rain": tf.constant(numbers, tf.float32), "area": tf.ones(len(numbers))}
    return np.asarray(Encoder(problem(), known).encode(rows)["rain"])


@PROPERTY
@given(COLUMNS)
def test_numbers_of_every_magnitude_rank_as_in_float64(column: list[float]) -> None:
    numbers = np.array(column, np.float32)
    boundaries = analysed(numbers)
    np.testing.assert_allclose(encoded(numbers, boundaries), ranks(numbers, boundaries), rtol=0, atol=CLOSE)


@PROPERTY
@given(SEEDS, POWERS, st.floats(1, 9.99), st.floats(-4, 4))
def test_ranks_are_the_same_under_any_affine_change(seed: int, power: int, factor: float, offset: float) -> None:
    draw = np.random.default_rng(seed)
    column = np.concatenate([draw.lognormal(0, 1, 300), np.zeros(60)])
    unit = factor * 10.0**power
    changed = (unit * (column + offset)).astype(np.float32)
    expected = ranks(column, analysed(column).astype(np.float64))
    # What rounding to float32 moves: two units of the last place of the largest, in each of 65 boundaries' buckets.
    found = encoded(changed, analysed(changed))
    np.testing.assert_allclose(found, expected, rtol=0, atol=2e-3)
    assert np.abs(found - expected).mean() < 2e-5


@PROPERTY
@given(SEEDS, st.integers(1, 5), st.integers(1, 97))
def test_neither_order_nor_files_nor_batches_change_boundaries(seed: int, files: int, batch: int) -> None:
    draw = np.random.default_rng(seed)
    column = draw.normal(0, 10.0 ** draw.integers(-30, 30), 400).astype(np.float32)
    expected = analysed(column)
    shuffled = np.array_split(draw.permutation(column), files)
    parts = []
    for part in shuffled:
        parts += [part[first : first + batch] for first in range(0, len(part), batch)]
    np.testing.assert_array_equal(analysed(*parts), expected)


@PROPERTY
@given(SEEDS, st.integers(-25, 25), st.floats(1, 9.99), st.floats(-30, 30), st.integers(1, 5))
def test_a_standardised_label_is_the_same_in_every_unit(
    seed: int, power: int, factor: float, offset: float, files: int
) -> None:
    label = np.random.default_rng(seed).normal(0, 1, 300)
    changed = factor * 10.0**power * (label + offset)
    whole = Moments()
    for part in np.array_split(changed, files):
        moments = Moments()
        moments.add(pa.array(part))
        whole.merge(moments)
    mean, scale = whole.mean_and_scale()
    expected = (label - label.mean()) / label.std()
    np.testing.assert_allclose((changed - mean) / scale, expected, rtol=0, atol=1e-9)


@PROPERTY
@given(SEEDS, st.integers(-30, 28), st.integers(1, 6))
def test_what_float32_keeps_is_judged_alike_in_every_unit_and_order(seed: int, power: int, files: int) -> None:
    draw = np.random.default_rng(seed)
    fine, coarse = draw.normal(0, 1, 2000), 1e9 + draw.normal(0, 1, 2000)
    for column, refused in ((fine, False), (coarse, True)):
        parts = np.array_split(10.0**power * column, files)
        precisions = [{"x": Precision.of(parts[place])} for place in draw.permutation(files)]
        assert (merged(precisions)["x"].fault("label", "x", "") is not None) is refused


def extremes(seed: int) -> dict[str, Floats]:
    """Columns as they come: one with 'no limit' at both ends or in a tiny unit, one of few integers; some missing."""
    draw = np.random.default_rng(seed)
    rain = draw.uniform(-1, 1, 2059) if seed else draw.uniform(1e-12, 1e-9, 2059)
    if seed:
        rain[draw.random(2059) < 0.3] = LARGEST
        rain[draw.random(2059) < 0.1] = -LARGEST
    if seed > 1:
        rain = np.where(draw.random(2059) < 0.3, rain, draw.lognormal(-40, 20, 2059))
    area = np.maximum(draw.integers(-20, 100, 2059), 0)
    return {"rain": rain.astype(np.float32), "area": area.astype(np.float32)}


@pytest.mark.parametrize("seed", range(3))
def test_transform_and_devices_rank_as_float64_does(seed: int, tmp_path: Path) -> None:
    columns = extremes(seed)
    boundaries = {name: analysed(column) for name, column in columns.items()}
    expected = {name: ranks(columns[name], boundaries[name]) for name in NAMES}
    known = Statistics({}, {name: tuple(found.tolist()) for name, found in boundaries.items()})
    rows = [{"rain": float(rain), "area": int(area), "wet": 0} for rain, area in zip(*columns.values(), strict=True)]
    written = transform(trace(problem(), known, tmp_path / "graph"), problem(), rows, tmp_path / "rows")
    device = on_device(known, columns, tmp_path / "device")
    for place, name in enumerate(NAMES):
        for found in (written[name], encoder_ranks(known, columns)[name], *(scores[:, place] for scores in device)):
            np.testing.assert_allclose(found, expected[name], rtol=0, atol=CLOSE)


def encoder_ranks(known: Statistics, columns: dict[str, Floats]) -> dict[str, Floats]:
    """By the encodings, without a graph."""
    found = Encoder(problem(), known).encode({name: tf.constant(column) for name, column in columns.items()})
    return {name: np.asarray(values) for name, values in found.items()}


def on_device(known: Statistics, columns: dict[str, Floats], folder: Path) -> list[Floats]:
    """[N, F] by a LiteRT model as the converter gives it, and with its edges stored once."""
    module = tf.Module()
    module.encoder = Encoder(problem(), known)
    spec = {name: tf.TensorSpec([None], tf.float32, name) for name in NAMES}

    def serve(**rows: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"score": tf.stack(list(module.encoder.encode(rows).values()), axis=1)}

    served = tf.function(serve, autograph=False).get_concrete_function(**spec)
    tf.saved_model.save(module, str(folder), signatures={"serving_default": served})
    content = float32(folder)
    found = []
    for number, form in enumerate((content, store_edges_once(content))):
        path = folder / f"{number}.tflite"
        path.write_bytes(form)
        found.append(DeviceModel(path).predict(dict(columns)))
    return found
