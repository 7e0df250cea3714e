"""All forms of one variant, as files."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from edge.forms.ids import ids_form
from edge.forms.metadata import with_metadata
from edge.forms.metadata_card import Card
from edge.forms.packed import packed_form
from edge.forms.static import static_batch
from edge.forms.vocabulary import Vocabulary

RAW, IDS, PACKED = "raw", "ids", "packed"

# How the names of the forms' files end.
SUFFIXES = {RAW: ".tflite", IDS: ".ids.tflite", PACKED: ".packed.tflite"}


@dataclass(frozen=True)
class Forms:
    """The files of one variant."""

    raw: Path
    ids: Path
    packed: Path

    @property
    def sizes(self) -> dict[str, int]:
        """Bytes by form: raw, ids, packed."""
        return {form: path.stat().st_size for form, path in ((RAW, self.raw), (IDS, self.ids), (PACKED, self.packed))}


def variant_files(name: str) -> dict[str, str]:
    """Names of a variant's files by form."""
    return {form: name + suffix for form, suffix in SUFFIXES.items()}


def form_paths(folder: Path, variant: str) -> Forms:
    """Where a variant's files lie."""
    raw, ids, packed = (folder / name for name in variant_files(variant).values())
    return Forms(raw, ids, packed)


def write_forms(raw: Path, folder: Path, vocabularies: Mapping[str, Vocabulary], card: Card, rows: int = 1) -> Forms:
    """Writes <variant>.tflite, <variant>.ids.tflite and <variant>.packed.tflite, each with its metadata.

    Args:
        raw: a finished raw form; it may be the file <variant>.tflite in `folder`, which then gets its metadata.
        folder: made if absent.
        vocabularies: what vocabulary.observe found in a variant of the same model.
        card: the model's card; its variant names the files, its form is filled in.
        rows: of every batch of the ids and packed forms.

    Raises:
        InputError: see packed_form, static_batch and with_metadata.
        PipelineError: see ids_form.
    """
    content, paths = raw.read_bytes(), form_paths(folder, card.variant)
    folder.mkdir(parents=True, exist_ok=True)
    made = {
        RAW: content,
        IDS: static_batch(ids_form(content), rows),
        PACKED: static_batch(packed_form(content, vocabularies), rows),
    }
    for form, path in ((RAW, paths.raw), (IDS, paths.ids), (PACKED, paths.packed)):
        scratch = path.with_suffix(".part")
        scratch.write_bytes(with_metadata(made[form], card.model_copy(update={"form": form})))
        scratch.replace(path)
    return paths
