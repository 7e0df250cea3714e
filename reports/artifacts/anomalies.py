"""Anomalies that ExampleValidator found, through TFDV's own messages."""

from collections.abc import Iterator
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path

_FILE = "SchemaDiff.pb"
DATASET = "whole span"


@dataclass(frozen=True)
class FoundAnomaly:
    """One thing that does not fit the schema: feature, span, TFDV's name for it, and what it says of it in one line.

    `is_whole` if it is about the span as a whole, whatever a feature is called.
    """

    feature: str
    span: str
    kind: str
    told: str
    is_whole: bool = False


def load_anomalies(artifact: Path) -> list[FoundAnomaly]:
    """Anomalies of an ExampleAnomalies artifact, in the order of its spans."""
    return [one for path in sorted(artifact.glob(f"Split-*/{_FILE}")) for one in _anomalies(path)]


def _anomalies(path: Path) -> Iterator[FoundAnomaly]:
    from tensorflow_metadata.proto.v0 import anomalies_pb2

    found = anomalies_pb2.Anomalies.FromString(path.read_bytes())
    span, name = path.parent.name.removeprefix("Split-"), anomalies_pb2.AnomalyInfo.Type.Name
    if found.data_missing:
        yield FoundAnomaly(DATASET, span, "NO_DATA_IN_SPAN", "The span holds no rows.", is_whole=True)
    for reason in found.dataset_anomaly_info.reason:
        yield FoundAnomaly(DATASET, span, name(reason.type), _one_line(reason.description), is_whole=True)
    # By path, since TFDV quotes the key of a feature whose name has a dot.
    by_name = {".".join(info.path.step) or key: info for key, info in found.anomaly_info.items()}
    for feature, info in sorted(by_name.items(), key=itemgetter(0)):
        for reason in info.reason:
            yield FoundAnomaly(feature, span, name(reason.type), _one_line(reason.description))


def _one_line(text: str) -> str:
    return " ".join(text.split())
