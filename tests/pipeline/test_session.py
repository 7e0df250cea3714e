"""A run's hold on its output folder, and what is left of one that was interrupted."""

import json
import time
from pathlib import Path

import pytest

from pipeline.config import load_config
from pipeline.interruption import Terminated
from pipeline.session import open_session, recorded_interruption


@pytest.mark.parametrize("kind", [KeyboardInterrupt, Terminated])
def test_a_run_that_is_interrupted_before_its_first_node_leaves_its_record(
    tmp_path: Path, kind: type[KeyboardInterrupt]
) -> None:
    config = load_config("nyc_flights", output=str(tmp_path))
    with (
        pytest.raises(kind),
        open_session(tmp_path, verbose=False) as session,
        recorded_interruption(config, session, time.monotonic() - 3),
    ):
        raise kind
    record = json.loads((session.folder / "run.json").read_text(encoding="utf-8"))
    assert (record["run_id"], record["status"], record["problem"]) == (session.run_id, "interrupted", "nyc_flights")
    assert 3 <= record["seconds"] < 60


def test_a_record_that_is_there_stays(tmp_path: Path) -> None:
    config = load_config("nyc_flights", output=str(tmp_path))
    with open_session(tmp_path, verbose=False) as session:
        (session.folder / "run.json").write_text("{}", encoding="utf-8")
        with pytest.raises(KeyboardInterrupt), recorded_interruption(config, session, time.monotonic()):
            raise KeyboardInterrupt
        assert (session.folder / "run.json").read_text(encoding="utf-8") == "{}"
