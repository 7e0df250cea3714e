"""The device bundle of a version: accepted variants in every form, and what people and programs need to use them."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tensorflow_metadata.proto.v0 import schema_pb2

from components.device.trainable_model import CHECKED
from components.release.release_store import Stamp
from edge.bundle.manifest import GOLDEN, MANIFEST, OUTPUT, VOCABULARY, Release, manifest
from edge.convert.library_versions import FILE as LIBRARIES
from edge.forms.metadata import stamped
from edge.forms.metadata_card import PLACEHOLDER
from edge.forms.writer import variant_files
from edge.on_device_training.trainable import FILE
from reports.device_docs.device_licenses import device_licenses
from reports.device_docs.device_readme import device_readme
from schema.bound import BoundProblem
from schema.described import described
from schema.errors import PipelineError

README, LICENSES = "README.md", "LICENSES.md"


@dataclass(frozen=True)
class DeviceBundle:
    """What a bundle is made of.

    Attributes:
        models: folder of a DeviceModels artifact.
        accepted: variants.json's entries of the variants that may be released.
        bound: the problem, with its texts.
        schema: what schema.pbtxt says.
        data_window: the data that the models were trained and judged on, in words.
    """

    models: Path
    accepted: Sequence[Mapping[str, Any]]
    bound: BoundProblem
    schema: schema_pb2.Schema
    data_window: str

    def lay(self, folder: Path, stamp: Stamp) -> None:
        """Writes the bundle of a version into its folder, which is there and empty.

        The files' metadata get the version; where no variant was accepted there are neither golden rows nor
        vocabularies, since both belong to files.

        Raises:
            PipelineError: if an accepted variant's file, its golden answers, the vocabularies, the label's offset, or
                the versions of what made them are absent.
        """
        for variant in self.accepted:
            for name in variant_files(variant["name"]).values():
                content = _read(self.models / name)
                (folder / name).write_bytes(stamped(content, f"{stamp.version:0{len(PLACEHOLDER)}d}"))
        golden, trainable = self._lay_golden(folder), self._lay_trainable(folder)
        release = Release(stamp.version, stamp.created, self.data_window, json.loads(_read(self.models / LIBRARIES)))
        offset = json.loads(_read(self.models / OUTPUT))["offset"]
        told = manifest(self.bound, described(self.schema), release, golden, self.accepted, folder, offset)
        told |= trainable
        data = self.bound.problem.data
        _write(folder / MANIFEST, json.dumps(told, indent=1, ensure_ascii=False, allow_nan=False))
        _write(folder / README, device_readme(told))
        _write(folder / LICENSES, device_licenses(told, data.license, data.source))

    def _lay_trainable(self, folder: Path) -> dict[str, Any]:
        """Copies the file whose head learns, if there is one that passed its check; gives what the manifest says."""
        checked = self.models / CHECKED
        if not checked.is_file():
            return {"trainable": None}
        told = json.loads(_read(checked))
        if not told["accepted"]:
            return {"trainable": None, "trainable_rejected": told["reasons"]}
        content = _read(self.models / FILE)
        (folder / FILE).write_bytes(content)
        digest = hashlib.sha256(content).hexdigest()
        entry = {"file": FILE, "bytes": len(content), "operators": told["operators"], "sha256": {FILE: digest}}
        return {"trainable": entry}

    def _lay_golden(self, folder: Path) -> Mapping[str, Any] | None:
        """Writes the golden rows with the accepted variants' answers, and the vocabularies; gives the former."""
        if not self.accepted:
            return None
        golden: dict[str, Any] = json.loads(_read(self.models / GOLDEN))
        names = {variant["name"] for variant in self.accepted}
        golden["expected"] = {name: rows for name, rows in golden["expected"].items() if name in names}
        _write(folder / GOLDEN, json.dumps(golden, ensure_ascii=False, allow_nan=False, separators=(",", ":")))
        (folder / VOCABULARY).write_bytes(_read(self.models / VOCABULARY))
        return golden


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise PipelineError(f"{path}: absent from what DeviceModels made; run it again") from None


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
