"""How far the data has moved from earlier data, measured by TFDV."""

from dataclasses import dataclass
from pathlib import Path

from reports.artifacts.statistics import load_dataset

# TFDV's own example thresholds are of this size; it is a line to look at, and stops nothing.
NOTABLE = 0.1


@dataclass(frozen=True)
class Drift:
    """Jensen-Shannon divergence of a feature's distribution from the earlier one: 0 the same, 1 nothing in common."""

    feature: str
    divergence: float

    @property
    def notable(self) -> bool:
        """Whether a person should look at it."""
        return self.divergence > NOTABLE


def measure_drift(now: Path, before: Path, schema: Path) -> list[Drift]:
    """The drift of each feature that both data sets have, the largest first.

    Args:
        now: a FeatureStats.pb.
        before: that of the earlier data.
        schema: schema.pbtxt; a drift_comparator in it is not used, since every feature is measured.
    """
    # Before TFDV, which imports a module that tfx has to stand in for.
    import tfx.components  # noqa: F401 I001
    import tensorflow_data_validation as tfdv
    from tensorflow_metadata.proto.v0 import schema_pb2, statistics_pb2

    measured = schema_pb2.Schema()
    measured.CopyFrom(tfdv.load_schema_text(str(schema)))
    for feature in measured.feature:
        feature.ClearField("drift_comparator")
        feature.drift_comparator.jensen_shannon_divergence.threshold = 1.0

    def listing(path: Path) -> statistics_pb2.DatasetFeatureStatisticsList:
        return statistics_pb2.DatasetFeatureStatisticsList(datasets=[load_dataset(path)])

    found = tfdv.validate_statistics(listing(now), measured, previous_statistics=listing(before))
    drifts = [
        Drift(".".join(info.path.step), measurement.value)
        for info in found.drift_skew_info
        for measurement in info.drift_measurements
    ]
    return sorted(drifts, key=lambda drift: -drift.divergence)
