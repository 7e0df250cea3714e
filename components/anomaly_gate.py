"""Stops a run whose data does not fit the schema, before anything is trained on it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2, statistics_pb2
from tfx import v1 as tfx
from tfx.dsl.component.experimental.annotations import InputArtifact, OutputArtifact, Parameter
from tfx.types.standard_artifacts import ExampleAnomalies, ExampleStatistics, Schema
from tfx.utils import io_utils

from components.artifacts import Verdict
from schema.errors import AnomalyError
from schema.rows import read_schema

_ANOMALIES_FILE = "SchemaDiff.pb"
_SHOWN = 10


@dataclass(frozen=True)
class Anomaly:
    """One thing wrong with one feature of one span; `rows` is None where the statistics do not tell."""

    feature: str
    kind: str
    span: str
    rows: int | None
    description: str

    def __str__(self) -> str:
        count = "an unknown number of rows" if self.rows is None else f"{self.rows:,} row{'s' * (self.rows != 1)}"
        return f"{self.feature}: {self.kind} in {self.span}, {count}. {self.description}"


@tfx.dsl.components.component
def AnomalyGate(  # noqa: N802 (a node is named like a class)
    anomalies: InputArtifact[ExampleAnomalies],
    statistics: InputArtifact[ExampleStatistics],
    schema: InputArtifact[Schema],
    verdict: OutputArtifact[Verdict],
    label: Parameter[str],
    tolerate: Parameter[str],
    fingerprint: Parameter[str],
) -> None:
    """Raises AnomalyError unless every anomaly is in `tolerate` (a JSON list of 'feature' or 'feature:KIND')."""
    expected = read_schema(Path(io_utils.get_only_uri_in_dir(schema.uri)))
    by_span = {path.parent.name: read_statistics(path) for path in sorted(Path(statistics.uri).glob("Split-*/*.pb"))}
    found = list(find_anomalies(Path(anomalies.uri), by_span, expected))
    constant = constant_label(by_span, label)
    found += [constant] if constant else []
    tolerated, stopping = divide(found, json.loads(tolerate))
    report = {"tolerated": [str(a) for a in tolerated], "stopping": [str(a) for a in stopping]}
    Path(verdict.uri).mkdir(parents=True, exist_ok=True)
    (Path(verdict.uri) / "verdict.json").write_text(json.dumps(report, indent=1), encoding="utf-8")
    if stopping:
        raise AnomalyError(describe(stopping))


def describe(stopping: list[Anomaly]) -> str:
    """The sentences a person reads."""
    shown = [str(anomaly) for anomaly in stopping[:_SHOWN]]
    rest = len(stopping) - len(shown)
    return "\n".join(
        [f"{len(stopping)} data anomal{'y' if len(stopping) == 1 else 'ies'}:"]
        + [f"  {line}" for line in shown]
        + ([f"  and {rest} more"] if rest else [])
        + ["Mend the data, widen schema.pbtxt, or list the feature under anomalies.tolerate."]
    )


def read_statistics(path: Path) -> dict[str, statistics_pb2.FeatureNameStatistics]:
    """A span's statistics by feature."""
    listing = statistics_pb2.DatasetFeatureStatisticsList.FromString(path.read_bytes())
    return {feature.path.step[0]: feature for feature in listing.datasets[0].features}


def find_anomalies(
    folder: Path,
    statistics: dict[str, dict[str, statistics_pb2.FeatureNameStatistics]],
    schema: schema_pb2.Schema,
) -> Iterator[Anomaly]:
    """Every anomaly that ExampleValidator wrote, with the rows it touches."""
    for path in sorted(folder.glob(f"Split-*/{_ANOMALIES_FILE}")):
        found = anomalies_pb2.Anomalies.FromString(path.read_bytes())
        for feature, info in sorted(found.anomaly_info.items()):
            for reason in info.reason:
                kind = anomalies_pb2.AnomalyInfo.Type.Name(reason.type)
                known = statistics.get(path.parent.name, {}).get(feature)
                rows = affected_rows(kind, known, feature, schema) if known else None
                yield Anomaly(feature, kind, path.parent.name.removeprefix("Split-"), rows, reason.description)


def affected_rows(
    kind: str, statistics: statistics_pb2.FeatureNameStatistics, feature: str, schema: schema_pb2.Schema
) -> int | None:
    """Rows that show the anomaly, where a span's statistics can tell; else None."""
    common = (
        statistics.num_stats.common_stats if statistics.HasField("num_stats") else statistics.string_stats.common_stats
    )
    if "PRESENT" in kind or "MISSING" in kind:
        return int(common.num_missing)
    if kind == "ENUM_TYPE_UNEXPECTED_STRING_VALUES":
        domain = set(_domain(feature, schema))
        buckets = statistics.string_stats.rank_histogram.buckets
        return int(sum(bucket.sample_count for bucket in buckets if bucket.label not in domain))
    return None


def _domain(feature: str, schema: schema_pb2.Schema) -> list[str]:
    for known in schema.feature:
        if known.name == feature:
            named = {domain.name: domain for domain in schema.string_domain}
            return list(named[known.domain].value if known.domain else known.string_domain.value)
    return []


def constant_label(
    statistics: dict[str, dict[str, statistics_pb2.FeatureNameStatistics]], label: str
) -> Anomaly | None:
    """An anomaly if the label has one value in all spans: nothing can be learnt from it."""
    values: set[str | float] = set()
    rows = 0
    for features in statistics.values():
        if label in features:
            found = features[label]
            if found.HasField("num_stats"):
                values |= {found.num_stats.min, found.num_stats.max}
                rows += int(found.num_stats.common_stats.num_non_missing)
            else:
                values |= {bucket.label for bucket in found.string_stats.rank_histogram.buckets}
                rows += int(found.string_stats.common_stats.num_non_missing)
    if len(values) != 1:
        return None
    value = next(iter(values))
    return Anomaly(label, "LABEL_CONSTANT", "all spans", rows, f"The label is {value} in every row.")


def divide(found: list[Anomaly], tolerate: list[str]) -> tuple[list[Anomaly], list[Anomaly]]:
    """(tolerated, stopping): an anomaly is tolerated if its feature, or feature:KIND, is listed."""
    tolerated = [a for a in found if a.feature in tolerate or f"{a.feature}:{a.kind}" in tolerate]
    return tolerated, [a for a in found if a not in tolerated]
