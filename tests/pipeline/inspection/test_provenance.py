"""A version traced upstream, in real stores that a small graph wrote to: SQLite, PostgreSQL and MySQL."""

import shutil
from pathlib import Path

import pytest

from components.release.release_store import current
from pipeline.inspection.provenance import trace
from reports.views.provenance import Provenance
from schema.errors import InputError
from tests.pipeline.release_graph import NAME, Output

STEPS = ["Source", "Trainer", "Evaluator", "ReleaseGate", "Pusher"]


def runs(found: Provenance) -> dict[str, str]:
    """The run that made each step, by its name."""
    return {step.name: step.run_id for step in found.steps}


def test_the_current_version_stands_on_one_run_when_nothing_was_cached(output: Output) -> None:
    output.run()

    found = trace(output.folder, NAME)

    assert (found.version, found.is_current, found.run_id) == (current(output.releases), True, output.ids[0])
    assert runs(found) == dict.fromkeys(STEPS, output.ids[0])
    assert {step.name: step.upstream for step in found.steps} == {
        "Source": (),
        "Trainer": ("Source",),
        "Evaluator": ("Trainer",),
        "ReleaseGate": ("Trainer", "Evaluator"),
        "Pusher": ("Trainer", "ReleaseGate"),
    }
    assert found.store == output.settings.where
    assert found.steps[1].settings["seed"] == "1"


def test_what_an_earlier_run_made_is_that_runs_and_the_baseline_is_named_but_not_followed(output: Output) -> None:
    output.run(seed=1)
    output.run(seed=2)

    found = trace(output.folder, NAME)

    assert runs(found) == {**dict.fromkeys(STEPS, output.ids[1]), "Source": output.ids[0]}
    assert found.steps[0].used_again == (output.ids[1],)
    first = trace(output.folder, NAME, min(map(int, versions(output))))
    assert (first.is_current, first.run_id) == (False, output.ids[0])
    # The first model is the second one's baseline.
    assert found.steps[2].baseline == first.steps[1].made[0]
    assert first.steps[2].baseline == ""


def versions(output: Output) -> list[str]:
    return [path.name for path in output.releases.iterdir() if path.name.isdigit()]


def test_a_version_is_traced_to_the_run_that_pushed_it_though_later_ones_took_it_from_the_cache(output: Output) -> None:
    output.run()
    output.run()

    found = trace(output.folder, NAME)

    assert runs(found) == dict.fromkeys(STEPS, output.ids[0])
    assert all(step.used_again == (output.ids[1],) for step in found.steps)


def test_a_version_that_was_removed_is_still_known(output: Output) -> None:
    output.run(seed=1)
    gone = current(output.releases)
    output.run(seed=2)
    output.forget_versions()

    assert trace(output.folder, NAME, gone).run_id == output.ids[0]


def test_a_version_that_was_copied_from_elsewhere_is_told_in_a_sentence(output: Output) -> None:
    output.run()
    shutil.copytree(output.releases / str(current(output.releases)), output.releases / "7654321")

    with pytest.raises(InputError, match=f"no run of .* pushed version 7654321 of {NAME}: it was copied"):
        trace(output.folder, NAME, 7654321)


def test_without_a_release_that_is_said(output: Output) -> None:
    output.run(blessed=0)

    with pytest.raises(InputError, match=f"no version of {NAME} has been released"):
        trace(output.folder, NAME)


def test_metadata_that_were_removed_or_cannot_be_asked_are_told_in_a_sentence(
    output: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    output.run()
    if output.settings.is_server:
        monkeypatch.delenv("METADATA_PASSWORD")
        told = "no password for "
    else:
        (output.folder / "metadata.sqlite").unlink()
        told = "metadata.sqlite: there is no such file"

    with pytest.raises(InputError, match=told):
        trace(output.folder, NAME)


def test_a_folder_that_was_moved_with_its_file_is_traced(tmp_path: Path) -> None:
    before = Output(tmp_path / "before")
    before.run()
    shutil.copytree(before.folder, tmp_path / "after", symlinks=True)
    shutil.rmtree(before.folder)

    assert trace(tmp_path / "after", NAME).run_id == before.ids[0]
