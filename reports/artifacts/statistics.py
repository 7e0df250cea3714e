"""Statistics of a data set as plain numbers, through TFDV's own messages."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SPLITS = ("train", "eval", "test")
_FILE = "FeatureStats.pb"


@dataclass(frozen=True)
class FeatureStatistics:
    """One feature in one data set.

    Attributes:
        rows: rows of the data set.
        missing: rows without a value.
        distinct: distinct values of a string, by TFDV's sketch; None of a number.
        top: most frequent values with their rows, most frequent first, at most 20; empty of a number.
        mean, deviation, least, median, most: of a number, in the feature's unit; None of a string.
        histogram: (low, high, rows) of a number's values, in ten buckets of equal width; empty of a string.
    """

    rows: int
    missing: int
    distinct: int | None = None
    top: tuple[tuple[str, int], ...] = ()
    mean: float | None = None
    deviation: float | None = None
    least: float | None = None
    median: float | None = None
    most: float | None = None
    histogram: tuple[tuple[float, float, float], ...] = ()

    @property
    def is_number(self) -> bool:
        """Whether the values are numbers."""
        return self.mean is not None

    @property
    def missing_share(self) -> float:
        """Share of rows without a value, in [0, 1]; 0 of no rows."""
        return self.missing / self.rows if self.rows else 0.0


Features = dict[str, FeatureStatistics]


def load_statistics(artifact: Path) -> dict[str, Features]:
    """Statistics of an ExampleStatistics artifact: by split (or span), by feature."""
    found = dataset_files(artifact)
    known = [name for name in SPLITS if name in found]
    return {name: dict(_features(load_dataset(found[name]))) for name in known or found}


def load_dataset(path: Path) -> Any:
    """TFDV's DatasetFeatureStatistics in a file."""
    from tensorflow_metadata.proto.v0 import statistics_pb2

    return statistics_pb2.DatasetFeatureStatisticsList.FromString(path.read_bytes()).datasets[0]


def dataset_files(artifact: Path) -> dict[str, Path]:
    """Files of an ExampleStatistics artifact by split or span, in order."""
    return {path.parent.name.removeprefix("Split-"): path for path in sorted(artifact.glob(f"Split-*/{_FILE}"))}


def _features(dataset: Any) -> Iterator[tuple[str, FeatureStatistics]]:
    rows = int(dataset.num_examples)
    for feature in dataset.features:
        name = ".".join(feature.path.step) or feature.name
        kind = feature.WhichOneof("stats")
        if kind == "string_stats":
            yield name, _string(rows, feature.string_stats)
        elif kind == "num_stats":
            yield name, _number(rows, feature.num_stats)


def _string(rows: int, stats: Any) -> FeatureStatistics:
    top = tuple((one.value, int(one.frequency)) for one in stats.top_values)
    return FeatureStatistics(rows, rows - int(stats.common_stats.num_non_missing), int(stats.unique), top[:20])


def _number(rows: int, stats: Any) -> FeatureStatistics:
    missing = rows - int(stats.common_stats.num_non_missing)
    standard = next((one for one in stats.histograms if one.type == one.STANDARD), None)
    buckets = [] if standard is None else [(b.low_value, b.high_value, b.sample_count) for b in standard.buckets]
    return FeatureStatistics(
        rows,
        missing,
        mean=stats.mean,
        deviation=stats.std_dev,
        least=stats.min,
        median=stats.median,
        most=stats.max,
        histogram=tuple(buckets),
    )
