"""TFDV's statistics in parts: each batch of rows adds to a part, and parts are merged wherever they were made."""

from collections.abc import Iterable
from functools import cache, reduce
from importlib import import_module
from typing import Any, Protocol

import pyarrow as pa
from tensorflow_metadata.proto.v0 import schema_pb2, statistics_pb2
from tfx_bsl import sketches

from schema.state_codec import StateCodec

# The accumulators of a combiner's generators; see part_codec for their form in a file.
Part = list[Any]

_RANK_BUCKETS = 1000


class Generator(Protocol):
    """What is needed of TFDV's CombinerStatsGenerator, which cannot be imported where a class could have it as base."""

    def create_accumulator(self) -> Any:
        """An accumulator of no rows."""

    def add_input(self, accumulator: Any, batch: pa.RecordBatch) -> Any:
        """The accumulator with the rows of the batch."""

    def merge_accumulators(self, accumulators: Iterable[Any]) -> Any:
        """One of the rows of all."""

    def compact(self, accumulator: Any) -> Any:
        """A smaller one of the same rows."""
        return accumulator

    def extract_output(self, accumulator: Any) -> statistics_pb2.DatasetFeatureStatistics:
        """The statistics of its rows."""


class StatisticsCombiner:
    """TFDV's default generators of a schema, and others, as one.

    The size of a part follows the distinct values of the features and not the rows. Counts, minima, maxima, zeros,
    missing and NaN values are those of all rows at once whatever the parts; mean and deviation too, but for rounding.
    TFDV's sketches hold the rest: quantiles are within 1 % of rank, the number of distinct values is exact up to 16,384
    of them, and the rows of each up to 1,024.
    """

    def __init__(self, schema: schema_pb2.Schema, *others: Generator) -> None:
        # Only after tfx: TFDV 1.16 imports a module that tfx has to stand in for.
        import tensorflow_data_validation as tfdv
        from tensorflow_data_validation.statistics import stats_impl

        options = tfdv.StatsOptions(schema=schema, num_rank_histogram_buckets=_RANK_BUCKETS)
        self._extract = stats_impl.extract_statistics_output
        own = stats_impl.get_generators(options, in_memory=True)
        for generator in own:
            generator.setup()
        self._generators: list[Generator] = [*own, *others]

    def part(self, batches: Iterable[pa.RecordBatch]) -> Part:
        """The part of these rows: batches with a list array a feature, one of them at least, if only of no rows."""
        found = [generator.create_accumulator() for generator in self._generators]
        for batch in batches:
            found = [one.add_input(part, batch) for one, part in zip(self._generators, found, strict=True)]
        return [one.compact(part) for one, part in zip(self._generators, found, strict=True)]

    def merged(self, parts: Iterable[Part]) -> statistics_pb2.DatasetFeatureStatisticsList:
        """Statistics of all rows of the parts, of which there is one at least; the parts are used up.

        The same parts in the same order give the same statistics.
        """
        merged = reduce(self._merge, parts)
        result: statistics_pb2.DatasetFeatureStatisticsList = self._extract(merged, self._generators)
        return result

    def _merge(self, first: Part, second: Part) -> Part:
        pairs = zip(self._generators, first, second, strict=True)
        return [generator.merge_accumulators([one, other]) for generator, one, other in pairs]


# TFDV's accumulators by module, below tensorflow_data_validation; what these generators add up is private to them.
_ACCUMULATORS = {
    "statistics.generators.basic_stats_generator": (
        "_BasicAcctype",
        "_PartialBasicStats",
        "_PartialBytesStats",
        "_PartialCommonStats",
        "_PartialNumericStats",
        "_PartialStringStats",
        "_PresenceAndValencyStats",
    ),
    "statistics.generators.empty_value_counter_generator": ("_PartialCounterStats",),
    "statistics.generators.top_k_uniques_sketch_stats_generator": ("_CombinedSketch",),
    "utils.path": ("FeaturePath",),
    "utils.variance_util": ("MeanCovAccumulator", "MeanVarAccumulator", "WeightedMeanVarAccumulator"),
}


@cache
def part_codec() -> StateCodec:
    """The form of a part in a file."""
    modules = {name: import_module(f"tensorflow_data_validation.{name}") for name in _ACCUMULATORS}
    own = [getattr(modules[module], name) for module, names in _ACCUMULATORS.items() for name in names]
    return StateCodec(*own, sketches.KmvSketch, sketches.MisraGriesSketch, sketches.QuantilesSketch)
