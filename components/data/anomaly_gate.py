"""Stops a run whose data does not fit the schema, before anything is trained on it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tensorflow_metadata.proto.v0 import schema_pb2, statistics_pb2
from tfx.dsl.component.experimental.annotations import InputArtifact, OutputArtifact, Parameter
from tfx.dsl.component.experimental.decorators import component
from tfx.types.standard_artifacts import ExampleAnomalies, ExampleStatistics, Schema
from tfx.utils import io_utils

from components.artifacts import Verdict
from components.data.statistics_gen import ROWS_ABOVE, ROWS_BELOW, ROWS_UNKNOWN
from reports.artifacts.anomalies import load_anomalies
from schema.described import in_digits
from schema.errors import AnomalyError
from schema.rows import read_schema

_SHOWN = 10
_UNKNOWN_STRING = "ENUM_TYPE_UNEXPECTED_STRING_VALUES"
_OUTSIDE = {
    _UNKNOWN_STRING: ROWS_UNKNOWN,
    "INT_TYPE_SMALL_INT": ROWS_BELOW,
    "INT_TYPE_BIG_INT": ROWS_ABOVE,
    "FLOAT_TYPE_SMALL_FLOAT": ROWS_BELOW,
    "FLOAT_TYPE_BIG_FLOAT": ROWS_ABOVE,
}

DATASET = "dataset"
LABEL_CONSTANT = "LABEL_CONSTANT"
LABEL_UNKNOWN = "LABEL_UNKNOWN"


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


@component
def AnomalyGate(  # noqa: N802 (a node is named like a class)
    anomalies: InputArtifact[ExampleAnomalies],
    statistics: InputArtifact[ExampleStatistics],
    schema: InputArtifact[Schema],
    verdict: OutputArtifact[Verdict],
    label: Parameter[str],
    label_values: Parameter[str],
    tolerate: Parameter[str],
    fingerprint: Parameter[str],
) -> None:
    """Stops the run on anomalies, among them a label with one value or with a value that is none of its classes.

    `label_values` is a JSON list of what the label may be, empty for a regression; `tolerate` is one of 'feature' or
    'feature:KIND' entries that are reported and let pass.

    Raises:
        AnomalyError: naming feature, kind, span and rows of each anomaly that is not tolerated.
    """
    expected = read_schema(Path(io_utils.get_only_uri_in_dir(schema.uri)))
    by_span = {path.parent.name: read_statistics(path) for path in sorted(Path(statistics.uri).glob("Split-*/*.pb"))}
    found = list(find_anomalies(Path(anomalies.uri), by_span, expected))
    constant = constant_label(by_span, label)
    found += [constant] if constant else []
    found += unknown_labels(by_span, label, json.loads(label_values))
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
    """Every anomaly that ExampleValidator wrote, with the rows it touches; of a span as a whole under `dataset`."""
    for found in load_anomalies(folder):
        known = statistics.get(f"Split-{found.span}", {})
        if found.is_whole:
            yield Anomaly(DATASET, found.kind, found.span, _rows(known), found.told)
            continue
        feature = known.get(found.feature)
        rows = None if feature is None else affected_rows(found.kind, feature, domain_of(found.feature, schema))
        yield Anomaly(found.feature, found.kind, found.span, rows, found.told)


def _rows(features: dict[str, statistics_pb2.FeatureNameStatistics]) -> int:
    """Rows of a span."""
    counts = (common.num_missing + common.num_non_missing for common in map(_common, features.values()))
    return int(max(counts, default=0))


def _common(statistics: statistics_pb2.FeatureNameStatistics) -> statistics_pb2.CommonStatistics:
    kind = statistics.WhichOneof("stats")
    return getattr(statistics, kind).common_stats if kind else statistics_pb2.CommonStatistics()


def affected_rows(kind: str, statistics: statistics_pb2.FeatureNameStatistics, domain: set[str]) -> int | None:
    """Rows that show the anomaly, where a span's statistics can tell; else None.

    Args:
        kind: name of TFDV's anomaly type.
        statistics: the feature's, of the span.
        domain: the strings that the schema allows.
    """
    if kind.endswith("PRESENT"):
        return int(_common(statistics).num_missing)
    if kind == "ENUM_TYPE_INVALID_UTF8":
        return int(statistics.string_stats.invalid_utf8_count)
    if kind == "FLOAT_TYPE_HAS_NAN":
        return max((int(histogram.num_nan) for histogram in statistics.num_stats.histograms), default=None)
    counted = [int(entry.num) for entry in statistics.custom_stats if entry.name == _OUTSIDE.get(kind)]
    if counted:
        return counted[0]
    return _unknown_strings(statistics.string_stats, domain) if kind == _UNKNOWN_STRING else None


def _unknown_strings(statistics: statistics_pb2.StringStatistics, domain: set[str]) -> int | None:
    """Of statistics that were not made by SpanStatisticsGen: exact while the histogram holds every value."""
    buckets = statistics.rank_histogram.buckets
    if len(buckets) < statistics.unique:
        return None
    return int(sum(bucket.sample_count for bucket in buckets if bucket.label not in domain))


def domain_of(feature: str, schema: schema_pb2.Schema) -> set[str]:
    """The strings that the schema allows a feature; empty where it does not say."""
    shared = {domain.name: domain for domain in schema.string_domain}
    for known in schema.feature:
        if known.name == feature:
            return set(shared[known.domain].value if known.domain else known.string_domain.value)
    return set()


def constant_label(
    statistics: dict[str, dict[str, statistics_pb2.FeatureNameStatistics]], label: str
) -> Anomaly | None:
    """An anomaly if the label has one value in all spans: nothing can be learnt from it."""
    values: set[str | float] = set()
    rows = 0
    for found in (features[label] for features in statistics.values() if label in features):
        present = int(_common(found).num_non_missing)
        rows += present
        if present and found.HasField("num_stats"):
            values |= {found.num_stats.min, found.num_stats.max}
        elif present:
            values |= {bucket.label for bucket in found.string_stats.rank_histogram.buckets}
    if len(values) != 1:
        return None
    value = values.pop()
    told = value if isinstance(value, str) else in_digits(value)
    return Anomaly(label, LABEL_CONSTANT, "all spans", rows, f"The label is {told} in every row.")


def unknown_labels(
    statistics: dict[str, dict[str, statistics_pb2.FeatureNameStatistics]], label: str, allowed: list[str | int]
) -> Iterator[Anomaly]:
    """An anomaly for each span in which the label is none of the allowed values, if they are a closed list."""
    for span, features in sorted(statistics.items()):
        if not allowed or label not in features:
            continue
        name, stats = span.removeprefix("Split-"), features[label]
        expected = f"Expected one of {', '.join(map(str, allowed))}"
        if stats.HasField("num_stats"):
            ends = (stats.num_stats.min, stats.num_stats.max)
            if int(_common(stats).num_non_missing) and not set(ends) <= set(allowed):
                found = f"values run from {in_digits(ends[0])} to {in_digits(ends[1])}"
                yield Anomaly(label, LABEL_UNKNOWN, name, None, f"{expected}; {found}.")
            continue
        strange = [b for b in stats.string_stats.rank_histogram.buckets if b.label not in allowed]
        if strange:
            rows = int(sum(bucket.sample_count for bucket in strange))
            shown = ", ".join(bucket.label for bucket in strange[:3])
            yield Anomaly(label, LABEL_UNKNOWN, name, rows, f"{expected}; received {shown}.")


def divide(found: list[Anomaly], tolerate: list[str]) -> tuple[list[Anomaly], list[Anomaly]]:
    """(tolerated, stopping): an anomaly is tolerated if its feature, or feature:KIND, is listed."""
    tolerated = [a for a in found if a.feature in tolerate or f"{a.feature}:{a.kind}" in tolerate]
    return tolerated, [a for a in found if a not in tolerated]
