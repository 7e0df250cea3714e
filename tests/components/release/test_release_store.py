"""Versions on disk: whole or not at all, rising, kept in number, and the way back."""

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from components.release.release_store import (
    CURRENT,
    MANIFEST,
    Release,
    Stamp,
    current,
    prune,
    publish,
    rollback,
    use,
    versions,
)
from schema.errors import InputError

_NOBODY = 65534


@pytest.fixture
def release(tmp_path: Path) -> Release:
    """A release in a folder of its own."""
    return make_release(tmp_path / "made")


def make_release(folder: Path) -> Release:
    """A SavedModel's files, two device files and a manifest."""
    server = folder / "Format-Serving"
    (server / "variables").mkdir(parents=True)
    (server / "saved_model.pb").write_bytes(b"graph")
    (server / "variables" / "variables.index").write_bytes(b"index")
    return Release(
        server=server,
        lay_device=lay_two,
        manifest={"lineage": {"window": "1:9"}, "variants": [{"name": "int8", "accepted": True}]},
    )


def lay_two(folder: Path, stamp: Stamp) -> None:
    """Writes two device files; the stamp has to be the version's."""
    # Versions pushed within a second run ahead of the clock.
    assert stamp.version >= datetime.fromisoformat(stamp.created).timestamp()
    for name in ("float32", "int8"):
        (folder / f"{name}.tflite").write_text(name, encoding="utf-8")


@pytest.fixture
def destination(tmp_path: Path) -> Path:
    """Where versions go."""
    return tmp_path / "pushed" / "flights"


def manifest(destination: Path, version: int) -> dict[str, object]:
    """A version's manifest."""
    return json.loads((destination / str(version) / MANIFEST).read_text(encoding="utf-8"))


def listing(folder: Path) -> list[str]:
    """Everything right below the folder, hidden or not, but the file that pushes lock."""
    return sorted(path.name for path in folder.iterdir() if path.name != ".lock")


def broken(release: Release) -> Release:
    """The release with a last device file that is not there, so that the copy fails midway."""

    def lay(folder: Path, stamp: Stamp) -> None:
        lay_two(folder, stamp)
        shutil.copy2(release.server / "no_such.tflite", folder)

    return Release(release.server, lay, release.manifest)


def test_server_form_device_files_and_manifest_are_one_version(release: Release, destination: Path) -> None:
    version = publish(release, destination, keep=5)

    folder = destination / str(version)
    assert sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()) == [
        "device/float32.tflite",
        "device/int8.tflite",
        "manifest.json",
        "saved_model.pb",
        "variables/variables.index",
    ]


def test_the_manifest_says_what_the_version_is(release: Release, destination: Path) -> None:
    before = datetime.now(UTC).replace(microsecond=0)

    version = publish(release, destination, keep=5)

    told = manifest(destination, version)
    created = datetime.fromisoformat(str(told.pop("created")))
    assert before <= created <= datetime.now(UTC)
    assert created.utcoffset() == UTC.utcoffset(None)
    assert len(str(told.pop("checksum"))) == 64
    assert told == {
        "version": version,
        "lineage": {"window": "1:9"},
        "variants": [{"name": "int8", "accepted": True}],
        "files": {
            "device/float32.tflite": hashlib.sha256(b"float32").hexdigest(),
            "device/int8.tflite": hashlib.sha256(b"int8").hexdigest(),
            "saved_model.pb": hashlib.sha256(b"graph").hexdigest(),
            "variables/variables.index": hashlib.sha256(b"index").hexdigest(),
        },
        "sizes": {
            "device/float32.tflite": 7,
            "device/int8.tflite": 4,
            "saved_model.pb": 5,
            "variables/variables.index": 5,
        },
    }


def test_the_release_cannot_overwrite_what_the_store_says(release: Release, destination: Path) -> None:
    release.manifest.update({"version": 1, "files": {}})

    version = publish(release, destination, keep=5)

    assert manifest(destination, version)["version"] == version
    assert len(manifest(destination, version)["files"]) == 4


def test_versions_rise_within_one_second(release: Release, destination: Path) -> None:
    published = [publish(release, destination, keep=5) for _ in range(3)]

    assert published == sorted(set(published))
    assert versions(destination) == published
    assert current(destination) == published[-1]


def test_a_clock_that_was_set_back_does_not_lower_the_version(release: Release, destination: Path) -> None:
    ahead = 4_000_000_000
    (destination / str(ahead)).mkdir(parents=True)  # not even a version: a poller would take it for one

    assert publish(release, destination, keep=5) == ahead + 1


def test_only_the_newest_are_kept(release: Release, destination: Path) -> None:
    published = [publish(release, destination, keep=2) for _ in range(4)]

    assert versions(destination) == published[-2:]
    assert listing(destination) == sorted([*map(str, published[-2:]), CURRENT])


def test_pruning_leaves_the_current_version_however_old(release: Release, destination: Path) -> None:
    published = [publish(release, destination, keep=5) for _ in range(4)]
    rollback(destination)
    rollback(destination)

    prune(destination, keep=1)

    assert current(destination) == published[1]
    assert versions(destination) == [published[1], published[3]]
    assert (destination / CURRENT / "saved_model.pb").read_bytes() == b"graph"


def test_a_push_after_a_rollback_is_current(release: Release, destination: Path) -> None:
    for _ in range(2):
        publish(release, destination, keep=5)
    rollback(destination)

    version = publish(release, destination, keep=1)

    assert current(destination) == version
    assert versions(destination) == [version]


@pytest.mark.parametrize("earlier", [0, 1])
def test_a_push_that_fails_midway_changes_nothing(release: Release, destination: Path, earlier: int) -> None:
    known = [publish(release, destination, keep=5) for _ in range(earlier)]

    with pytest.raises(FileNotFoundError, match=r"no_such\.tflite"):
        publish(broken(release), destination, keep=1)

    assert listing(destination) == sorted([*map(str, known), *[CURRENT] * earlier])
    assert current(destination) == (known[0] if known else None)


def test_a_manifest_that_is_not_json_leaves_nothing_behind(release: Release, destination: Path) -> None:
    release.manifest["variants"] = {1, 2}

    with pytest.raises(TypeError, match="set is not JSON serializable"):
        publish(release, destination, keep=5)

    assert listing(destination) == []


def test_what_a_killed_push_left_is_no_version_and_is_cleared(release: Release, destination: Path) -> None:
    first = publish(release, destination, keep=5)
    left = destination / ".1234.partial"
    shutil.copytree(destination / str(first), left)

    assert versions(destination) == [first]
    second = publish(release, destination, keep=5)

    assert listing(destination) == sorted([str(first), str(second), CURRENT])


def test_a_link_that_a_killed_push_left_does_not_disturb(release: Release, destination: Path) -> None:
    first = publish(release, destination, keep=5)
    (destination / f".{CURRENT}.partial").symlink_to(str(first))

    second = publish(release, destination, keep=5)

    assert current(destination) == second
    assert listing(destination) == sorted([str(first), str(second), CURRENT])


def test_a_poller_never_finds_half_a_version(release: Release, destination: Path) -> None:
    publish(release, destination, keep=1)
    done = threading.Event()
    with ThreadPoolExecutor() as threads:
        polled = threads.submit(poll, destination, done)
        try:
            for _ in range(60):
                publish(release, destination, keep=1)
        finally:
            done.set()

    assert polled.result() == []
    assert len(versions(destination)) == 1


def test_a_push_waits_for_another_to_the_same_destination(release: Release, destination: Path) -> None:
    finished: list[bool] = []
    with ThreadPoolExecutor() as threads:

        def slowly(folder: Path, stamp: Stamp) -> None:
            pushed.append(threads.submit(publish, release, destination, 5))
            with contextlib.suppress(TimeoutError):
                pushed[0].result(timeout=0.5)
            finished.append(pushed[0].done())
            lay_two(folder, stamp)

        pushed: list[Future[int]] = []
        first = publish(replace(release, lay_device=slowly), destination, keep=5)
        second = pushed[0].result()

    assert finished == [False]
    assert versions(destination) == [first, second]
    assert all((destination / str(version) / "device" / "int8.tflite").is_file() for version in (first, second))


def poll(destination: Path, done: threading.Event) -> list[str]:
    """What was amiss with any number, as TF Serving looks at them, or with `current`, until done."""
    whole = ("manifest.json", "saved_model.pb", "variables/variables.index", "device/int8.tflite")
    faults = []
    while not done.is_set():
        for folder in [path for path in destination.iterdir() if path.name.isdigit()]:
            absent = [name for name in whole if not (folder / name).exists()]
            # A version that was removed meanwhile lacks everything, and is no fault.
            if absent and folder.exists():
                faults.append(f"{folder.name} without {absent}")
        if not (destination / CURRENT).is_symlink():
            faults.append("no current version")
    return faults


@contextmanager
def as_nobody() -> Iterator[None]:
    """For the root user, whom permissions do not bind, the rights of somebody else."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(_NOBODY)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


@pytest.fixture
def readable() -> Iterator[Path]:
    """A folder that everybody can read, unlike tmp_path."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def test_a_destination_that_may_not_be_written_keeps_its_versions(readable: Path) -> None:
    release, destination = make_release(readable / "made"), readable / "flights"
    first = publish(release, destination, keep=1)
    destination.chmod(0o555)

    with as_nobody(), pytest.raises(PermissionError, match=r"Permission denied: '.*/flights/\.lock'"):
        publish(release, destination, keep=1)

    destination.chmod(0o755)
    assert listing(destination) == sorted([str(first), CURRENT])
    assert current(destination) == first
    assert (destination / CURRENT / "saved_model.pb").read_bytes() == b"graph"


def test_rollback_goes_back_one_version_at_a_time(release: Release, destination: Path) -> None:
    published = [publish(release, destination, keep=5) for _ in range(3)]

    assert [rollback(destination), rollback(destination)] == [published[1], published[0]]
    assert current(destination) == published[0]
    assert versions(destination) == published


def test_rollback_from_the_first_version_is_refused(release: Release, destination: Path) -> None:
    first = publish(release, destination, keep=5)

    with pytest.raises(InputError, match=rf"flights: no version before {first} to go back to\. Versions: \[{first}\]"):
        rollback(destination)

    assert current(destination) == first


def test_rollback_before_any_release_is_refused(destination: Path) -> None:
    with pytest.raises(InputError, match=r"flights: no version has been released, so there is none to go back to"):
        rollback(destination)


def test_rollback_passes_over_a_folder_without_a_manifest(release: Release, destination: Path) -> None:
    first, between, last = (publish(release, destination, keep=5) for _ in range(3))
    (destination / str(between) / MANIFEST).unlink()

    assert current(destination) == last
    assert rollback(destination) == first


def test_rollback_works_where_the_current_version_was_deleted_by_hand(release: Release, destination: Path) -> None:
    first, second = (publish(release, destination, keep=5) for _ in range(2))
    shutil.rmtree(destination / str(second))

    assert rollback(destination) == first


@pytest.mark.parametrize("place", [0, 1, 2])
def test_any_version_can_be_used_wherever_current_points(release: Release, destination: Path, place: int) -> None:
    published = [publish(release, destination, keep=5) for _ in range(3)]
    rollback(destination)

    assert use(destination, published[place]) == published[place]
    assert current(destination) == published[place]
    assert versions(destination) == published


@pytest.mark.parametrize("target", [None, "elsewhere", "4000000000"])
def test_use_mends_a_link_that_is_gone_or_leads_nowhere(
    release: Release, destination: Path, target: str | None
) -> None:
    version = publish(release, destination, keep=5)
    (destination / CURRENT).unlink()
    if target:
        (destination / CURRENT).symlink_to(target)

    use(destination, version)

    assert current(destination) == version


def test_use_of_an_unknown_version_names_those_there_are(release: Release, destination: Path) -> None:
    first, half, last = (publish(release, destination, keep=5) for _ in range(3))
    (destination / str(half) / MANIFEST).unlink()  # a folder without a manifest is no version

    for unknown in (7, half):
        told = rf"flights: no version {unknown} to use\. Versions: \[{first}, {last}\]"
        with pytest.raises(InputError, match=told):
            use(destination, unknown)

    assert current(destination) == last


@pytest.mark.parametrize("made", [False, True])
def test_use_before_any_release_is_refused(destination: Path, made: bool) -> None:
    if made:
        destination.mkdir(parents=True)

    with pytest.raises(InputError, match=r"flights: no version has been released, so there is none to use"):
        use(destination, 7)


def test_a_link_set_by_hand_is_understood_or_refused(release: Release, destination: Path) -> None:
    first, _ = (publish(release, destination, keep=5) for _ in range(2))
    link = destination / CURRENT
    link.unlink()
    link.symlink_to((destination / str(first)).absolute())
    assert current(destination) == first

    link.unlink()
    link.symlink_to("elsewhere")
    with pytest.raises(InputError, match=r"current: expected a link to a version\. Received: a link to 'elsewhere'"):
        rollback(destination)


def test_names_that_are_no_versions_are_left_alone(release: Release, destination: Path) -> None:
    for name in ("notes", "²", "-1", "1.5"):  # "²" is a digit to Python, and no number
        (destination / name).mkdir(parents=True)

    version = publish(release, destination, keep=1)

    assert versions(destination) == [version]
    assert listing(destination) == sorted(["notes", "²", "-1", "1.5", str(version), CURRENT])


def test_a_destination_that_does_not_exist_holds_no_version(destination: Path) -> None:
    assert versions(destination) == []
    assert current(destination) is None
