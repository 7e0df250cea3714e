"""The file that carries the statistics from Transform to the Trainer."""

from pathlib import Path

import pytest

from models.preprocessing.statistics import FILE, Statistics, read_statistics
from schema.errors import InputError

KNOWN = Statistics(
    vocabularies={"soil": (b"clay", "sandé\n\0".encode(), b"\xff\xfe"), "farm": ()},
    boundaries={"rain": (-0.1, 1e-30, 3.4e38)},
    label_mean=1 / 3,
    label_scale=2.5,
)


def test_what_is_written_is_read_to_the_bit() -> None:
    assert Statistics.from_json(KNOWN.to_json()) == KNOWN


def test_the_statistics_of_a_graph_lie_beside_it(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text(KNOWN.to_json(), encoding="utf-8")
    assert read_statistics(tmp_path) == KNOWN


def test_a_graph_of_another_transform_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"not found\. Expected a TransformGraph of this project"):
        read_statistics(tmp_path)
