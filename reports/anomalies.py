"""Anomalies that ExampleValidator found, through TFDV's own messages."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_FILE = "SchemaDiff.pb"
DATASET = "whole span"


@dataclass(frozen=True)
class FoundAnomaly:
    """One thing that does not fit the schema: feature, span, TFDV's name for it, and what it says of it."""

    feature: str
    span: str
    kind: str
    told: str


def load_anomalies(artifact: Path) -> list[FoundAnomaly]:
    """Anomalies of an ExampleAnomalies artifact, in the order of its spans."""
    return [one for path in sorted(artifact.glob(f"Split-*/{_FILE}")) for one in _anomalies(path)]


def _anomalies(path: Path) -> Iterator[FoundAnomaly]:
    from tensorflow_metadata.proto.v0 import anomalies_pb2

    found = anomalies_pb2.Anomalies.FromString(path.read_bytes())
    span, name = path.parent.name.removeprefix("Split-"), anomalies_pb2.AnomalyInfo.Type.Name
    if found.data_missing:
        yield FoundAnomaly(DATASET, span, "NO_DATA_IN_SPAN", "The span holds no rows.")
    for reason in found.dataset_anomaly_info.reason:
        yield FoundAnomaly(DATASET, span, name(reason.type), " ".join(reason.description.split()))
    for key, info in sorted(found.anomaly_info.items()):
        for reason in info.reason:
            feature = ".".join(info.path.step) or key
            yield FoundAnomaly(feature, span, name(reason.type), " ".join(reason.description.split()))
