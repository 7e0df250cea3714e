"""What a model card says a feature may be."""

import pytest
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from reports.card.topics.features import domain


@pytest.mark.parametrize(
    ("ends", "said"),
    [
        ("int_domain { min: 20130101 max: 20131231 }", "20130101 to 20131231"),
        ("float_domain { min: 0.1 }", "0.1 to any"),
        ("", ""),
    ],
)
def test_a_domain_has_its_ends_in_full(ends: str, said: str) -> None:
    assert domain(text_format.Parse(f'name: "day" {ends}', schema_pb2.Feature()), ()) == said
