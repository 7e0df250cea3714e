"""Drift as TFDV measures it."""

from pathlib import Path

import pytest
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import statistics_pb2

from reports.artifacts.drift import measure_drift

SCHEMA = 'feature { name: "site" type: BYTES } feature { name: "soil" type: BYTES }'


def write(path: Path, **shares: dict[str, int]) -> Path:
    """Statistics of ten rows with these values, by feature."""
    features = [
        f'features {{ path {{ step: "{name}" }} type: STRING string_stats {{ common_stats {{ num_non_missing: 10 }} '
        + f"unique: {len(values)} rank_histogram {{ "
        + " ".join(f'buckets {{ label: "{value}" sample_count: {rows} }}' for value, rows in values.items())
        + " } } }"
        for name, values in shares.items()
    ]
    text = f"datasets {{ num_examples: 10 {' '.join(features)} }}"
    listing = text_format.Parse(text, statistics_pb2.DatasetFeatureStatisticsList())
    path.write_bytes(listing.SerializeToString())
    return path


def test_drift_is_0_for_the_same_and_1_for_nothing_in_common(tmp_path: Path) -> None:
    (tmp_path / "schema.pbtxt").write_text(SCHEMA, encoding="utf-8")
    before = write(tmp_path / "a", site={"n": 5, "s": 5}, soil={"clay": 10})
    now = write(tmp_path / "b", site={"n": 5, "s": 5}, soil={"sand": 10})

    found = measure_drift(now, before, tmp_path / "schema.pbtxt")

    assert [one.feature for one in found] == ["soil", "site"]
    assert [one.divergence for one in found] == pytest.approx([1.0, 0.0], abs=1e-9)
    assert [one.notable for one in found] == [True, False]
