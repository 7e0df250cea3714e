"""Artifacts between nodes: what their files were when they were published, and whether they still are."""

from collections.abc import Iterable
from pathlib import Path

from schema.folder_checksums import recorded_faults, write_checksums

SYSTEM, CHECKSUMS = ".system", "checksums"


class ArtifactChecksums:
    """Records and verifies artifacts, each once in a run.

    The record of `<node>/<output key>/<number>` is `<node>/.system/checksums/<output key>/<number>`: not in the
    artifact, where readers expect what TFX lays there and nothing else.
    """

    def __init__(self) -> None:
        self._verified: set[str] = set()

    def record(self, uris: Iterable[str]) -> None:
        """Records the artifacts of a node that has just finished."""
        for uri in uris:
            if _is_numbered_folder(uri):
                write_checksums(checksums_file(uri), Path(uri))
                self._verified.add(uri)

    def faults(self, uri: str) -> list[str]:
        """What is wrong with an artifact, a path and a fragment per file; nothing for one that was not recorded.

        Such are those of another machine, of a run of before, and files outside the output folder.
        """
        if uri in self._verified or not _is_numbered_folder(uri) or not checksums_file(uri).is_file():
            return []
        faults = [f"{uri}/{fault}" for fault in recorded_faults(checksums_file(uri), Path(uri))]
        if not faults:
            self._verified.add(uri)
        return faults


def checksums_file(uri: str) -> Path:
    """Where an artifact's record is."""
    folder = Path(uri)
    return folder.parents[1] / SYSTEM / CHECKSUMS / folder.parent.name / folder.name


def _is_numbered_folder(uri: str) -> bool:
    return Path(uri).is_dir() and Path(uri).name.isdigit()
