"""What a card is made anew for, and what not: a card that is made anew is pushed as a new version."""

from pathlib import Path

import pytest

from pipeline.config.pipeline_config import load_config
from pipeline.stages.release import card_config


@pytest.mark.parametrize(
    "setting",
    [
        "beam.workers=3",
        "local.parallel_nodes=1",
        "release.keep=9",
        "training.restarts=5",
        "training.jit_compile=true",
        "tuning.trials=4",
        "data.pattern=other-{SPAN}.csv",
        "anomalies.tolerate=[dest]",
        "evaluation.bounds={auc: 0.1}",
        "device.calibration_rows=99",
    ],
)
def test_what_a_card_does_not_show_changes_nothing(setting: str, tmp_path: Path) -> None:
    before = card_config(load_config("nyc_flights", output=str(tmp_path / "a")))
    after = card_config(load_config("nyc_flights", output=str(tmp_path / "b"), sets=[setting], enable_cache=False))
    assert after == before


@pytest.mark.parametrize(
    "setting",
    ["title=Late?", "limits=none", "training.seed=8", "network.epochs=2", "device.min_accepted=2", "split.test=1"],
)
def test_what_a_card_shows_changes_it(setting: str, tmp_path: Path) -> None:
    before = card_config(load_config("nyc_flights", output=str(tmp_path)))
    assert card_config(load_config("nyc_flights", output=str(tmp_path), sets=[setting])) != before


def test_a_sample_is_told_from_all_rows(tmp_path: Path) -> None:
    assert card_config(load_config("nyc_flights", output=str(tmp_path), quick=True))["sample_rows"] == 20000
    assert card_config(load_config("nyc_flights", output=str(tmp_path)))["sample_rows"] is None
