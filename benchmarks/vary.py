"""Rows that resemble given rows without repeating them: a larger table that does not compress to the smaller one."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from tensorflow_metadata.proto.v0 import schema_pb2

from schema.problem import Encoding, Problem

# Standard deviation of what a number is multiplied by, and the largest step of an integer.
_SHARE = 0.01
_STEP = 2
_DECIMALS = 2


@dataclass(frozen=True)
class Domain:
    """Both ends of the values that a column may have, inclusive."""

    name: str
    low: float
    high: float


def varied_columns(problem: Problem, schema: schema_pb2.Schema) -> tuple[Domain, ...]:
    """The columns that may vary: the quantile-encoded features. Keys, labels and categories stay what they are."""
    names = problem.of(Encoding.QUANTILES)
    return tuple(_domain(feature) for feature in schema.feature if feature.name in names)


def _domain(feature: schema_pb2.Feature) -> Domain:
    domain = feature.int_domain if feature.type == schema_pb2.INT else feature.float_domain
    low = domain.min if domain.HasField("min") else -np.inf
    high = domain.max if domain.HasField("max") else np.inf
    return Domain(feature.name, low, high)


def varied(batch: pa.RecordBatch, domains: Iterable[Domain], random: np.random.Generator) -> pa.RecordBatch:
    """The batch with each column of `domains` moved a little and kept within its domain; a gap stays a gap.

    An integer moves by up to two; another number is multiplied by one and a hundredth, give or take, and rounded to
    two decimals.
    """
    for domain in domains:
        place = batch.schema.get_field_index(domain.name)
        moved = _moved(batch.column(place), domain, random)
        batch = batch.set_column(place, batch.schema.field(place), moved)
    return batch


def _moved(column: pa.Array, domain: Domain, random: np.random.Generator) -> pa.Array:
    gaps: NDArray[np.bool_] = column.is_null().to_numpy(zero_copy_only=False)
    values = column.fill_null(0).to_numpy(zero_copy_only=False)
    if pa.types.is_integer(column.type):
        values = values + random.integers(-_STEP, _STEP, len(values), endpoint=True)
    else:
        values = np.round(values * random.normal(1.0, _SHARE, len(values)), _DECIMALS)
    kept = np.clip(values, domain.low, domain.high).astype(column.type.to_pandas_dtype())
    return pa.array(kept, column.type, mask=gaps)
