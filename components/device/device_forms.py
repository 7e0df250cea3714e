"""The forms of a model's variants, with the vocabularies and golden rows that belong to them, as files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tensorflow_metadata.proto.v0 import schema_pb2

from edge.bundle.manifest import GOLDEN, VOCABULARY
from edge.convert.converter import Converted
from edge.forms import golden as golden_rows
from edge.forms import vocabulary as vocabularies
from edge.forms.golden import Golden, check_forms
from edge.forms.golden_selection import choose
from edge.forms.metadata_card import Card, CardFeature
from edge.forms.writer import Forms, write_forms
from edge.runtime.litert_model import Columns
from schema.bound import BoundProblem
from schema.described import Described, described
from schema.problem import Task

# The standard metadata tells a unit by brackets after a description.
_NO_BRACKETS = str.maketrans("[]", "()")


@dataclass(frozen=True)
class Told:
    """What the forms' metadata say of a model: its problem, its columns, its data in words, its label's offset."""

    bound: BoundProblem
    schema: schema_pb2.Schema
    data_window: str
    label_offset: float = 0.0


def write_variants(
    made: Sequence[Converted], folder: Path, told: Told, terms: Mapping[str, Sequence[bytes]], rows: Columns
) -> dict[str, Forms]:
    """Gives each variant all its forms, and writes vocab.json and golden.json beside them.

    Args:
        made: the variants; each one's raw form gets its metadata where it lies.
        folder: where the files go.
        told: what they say of themselves.
        terms: of each string feature, in the order of their ids.
        rows: raw rows of the test split, of which the golden ones are chosen.

    Returns:
        The forms' files by variant.

    Raises:
        PipelineError: if a form's answers to the golden rows are not the raw form's.
    """
    if not made:
        return {}
    known = vocabularies.observe(made[0].path.read_bytes(), terms)
    # As problem.yaml lists them, in whatever order they were read.
    ordered = {name: rows[name] for name in told.bound.problem.features}
    golden = Golden.of(choose(ordered, known, told.bound.domains), known)
    forms = {one.recipe: write_forms(one.path, folder, known, card(told, one.recipe)) for one in made}
    answers = {name: check_forms(one.raw, one.ids, one.packed, golden) for name, one in forms.items()}
    (folder / VOCABULARY).write_text(vocabularies.as_json(known), encoding="utf-8")
    (folder / GOLDEN).write_text(golden_rows.as_json(golden, answers), encoding="utf-8")
    return forms


def card(told: Told, variant: str) -> Card:
    """A variant's card; each file's form is filled in when it is written."""
    problem, columns = told.bound.problem, described(told.schema)
    return Card(
        problem=problem.name,
        title=problem.title,
        variant=variant,
        form="",
        label=problem.label,
        label_offset=told.label_offset,
        classes=problem.classes,
        threshold=problem.evaluation.threshold if problem.task is Task.BINARY else None,
        features=tuple(_feature(told.bound, name, columns[name]) for name in problem.features),
        data_window=told.data_window,
    )


def _feature(bound: BoundProblem, name: str, column: Described) -> CardFeature:
    # What a feature means is said once, in the bundle's manifest: in every file it would be as much as a small table.
    return CardFeature(name=name, kind=bound.dense_kind(name), unit=column.unit.translate(_NO_BRACKETS))
