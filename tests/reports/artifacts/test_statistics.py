"""TFDV's messages as plain numbers."""

from pathlib import Path

from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import anomalies_pb2, statistics_pb2

from reports.artifacts.anomalies import load_anomalies
from reports.artifacts.statistics import load_statistics

DATASET = """datasets { num_examples: 10
  features { path { step: "site" } type: STRING string_stats { common_stats { num_non_missing: 8 num_missing: 2 }
    unique: 2 top_values { value: "north" frequency: 5 } top_values { value: "ö" frequency: 3 } } }
  features { path { step: "a" step: "b" } type: FLOAT num_stats { common_stats { num_non_missing: 10 }
    mean: 1.5 std_dev: 0.5 min: 1 median: 1.4 max: 2
    histograms { type: QUANTILES buckets { low_value: 1 high_value: 2 sample_count: 10 } }
    histograms { type: STANDARD buckets { low_value: 1 high_value: 1.5 sample_count: 6 }
      buckets { low_value: 1.5 high_value: 2 sample_count: 4 } } } } }"""


def write(folder: Path, *names: str) -> Path:
    """The same statistics under each name."""
    for name in names:
        (folder / f"Split-{name}").mkdir(parents=True)
        listing = text_format.Parse(DATASET, statistics_pb2.DatasetFeatureStatisticsList())
        (folder / f"Split-{name}" / "FeatureStats.pb").write_bytes(listing.SerializeToString())
    return folder


def test_splits_stand_in_the_order_of_their_use(tmp_path: Path) -> None:
    assert list(load_statistics(write(tmp_path, "eval", "test", "train"))) == ["train", "eval", "test"]


def test_spans_stand_by_number(tmp_path: Path) -> None:
    assert list(load_statistics(write(tmp_path, "span-02", "span-01"))) == ["span-01", "span-02"]


def test_a_text_has_missing_rows_values_and_no_mean(tmp_path: Path) -> None:
    site = load_statistics(write(tmp_path, "train"))["train"]["site"]

    assert (site.rows, site.missing, site.missing_share, site.distinct) == (10, 2, 0.2, 2)
    assert site.top == (("north", 5), ("ö", 3))
    assert not site.is_number


def test_a_number_has_its_range_and_the_buckets_of_equal_width(tmp_path: Path) -> None:
    found = load_statistics(write(tmp_path, "train"))["train"]["a.b"]

    assert (found.least, found.median, found.most, found.missing) == (1.0, 1.4, 2.0, 0)
    assert found.histogram == ((1.0, 1.5, 6.0), (1.5, 2.0, 4.0))


def test_anomalies_name_feature_span_and_what_was_seen(tmp_path: Path) -> None:
    (tmp_path / "Split-span-02").mkdir()
    text = """anomaly_info { key: "site" value { path { step: "site" }
      reason { type: ENUM_TYPE_UNEXPECTED_STRING_VALUES description: "Examples contain\\nvalues" } } }
      dataset_anomaly_info { reason { type: DATASET_LOW_NUM_EXAMPLES description: "few" } }"""
    found = text_format.Parse(text, anomalies_pb2.Anomalies())
    (tmp_path / "Split-span-02" / "SchemaDiff.pb").write_bytes(found.SerializeToString())

    assert [(one.feature, one.span, one.kind, one.told) for one in load_anomalies(tmp_path)] == [
        ("whole span", "span-02", "DATASET_LOW_NUM_EXAMPLES", "few"),
        ("site", "span-02", "ENUM_TYPE_UNEXPECTED_STRING_VALUES", "Examples contain values"),
    ]
