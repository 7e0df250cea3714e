"""The terms of each string feature and the ids that a file gives them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from edge.flatbuffer import model_io
from edge.forms.embedding_inputs import id_tensors
from edge.forms.string_packing import words_for
from edge.runtime.litert_model import Array, Columns, DeviceModel
from schema.closed import nearest
from schema.errors import InputError, PipelineError

_MISSING = b""
_BATCH_ROWS = 256


@dataclass(frozen=True)
class Vocabulary:
    """The ids of one string feature.

    Attributes:
        terms: the known strings, most frequent first.
        missing_id: of the empty string.
        unseen_id: of any other string.
        first_term_id: of the first term; the others follow.
    """

    terms: tuple[bytes, ...]
    missing_id: int
    unseen_id: int
    first_term_id: int

    @cached_property
    def ids(self) -> dict[bytes, int]:
        """The id of every string but the unseen ones."""
        known = {term: self.first_term_id + place for place, term in enumerate(self.terms)}
        return known | {_MISSING: self.missing_id}

    @property
    def words(self) -> int:
        """How many words a packed string has."""
        return words_for(self.terms)


def observe(content: bytes, terms: Mapping[str, Sequence[bytes]]) -> dict[str, Vocabulary]:
    """The ids that a raw form gives to a missing string, an unseen one and each term, read from its own lookups.

    Args:
        content: a raw form.
        terms: of each string input, in the order of their ids.

    Returns:
        A vocabulary for each string input, in the order of the graph's inputs.

    Raises:
        InputError: if `terms` has not exactly the file's string inputs.
        PipelineError: if the terms' ids are not consecutive, or an unseen string's id is a term's: then these are not
            the terms the file was made with.
    """
    tensors = id_tensors(model_io.read(content))
    for name in terms:
        if name not in tensors:
            raise InputError(f"terms of '{name}': no such string input.{nearest(name, list(tensors))}")
    for name in tensors:
        if name not in terms:
            raise InputError(f"input '{name}': its terms are missing. Received those of: {', '.join(terms) or 'none'}")
    asked = {name: [_MISSING, _unseen(terms[name]), *terms[name]] for name in tensors}
    found = _run(content, tensors, asked)
    return {name: _vocabulary(name, tuple(terms[name]), ids) for name, ids in found.items()}


def as_json(vocabularies: Mapping[str, Vocabulary]) -> str:
    """The content of vocab.json; bytes that are no UTF-8 become lone surrogates, which no text equals."""
    table = {
        name: {
            "terms": [term.decode("utf-8", "surrogateescape") for term in vocabulary.terms],
            "words": vocabulary.words,
            "missing_id": vocabulary.missing_id,
            "unseen_id": vocabulary.unseen_id,
            "first_term_id": vocabulary.first_term_id,
        }
        for name, vocabulary in vocabularies.items()
    }
    return json.dumps(table, indent=1)


def _unseen(terms: Sequence[bytes]) -> bytes:
    """Longer than every term, so none of them."""
    return b"?" * (max(map(len, terms), default=0) + 1)


def _run(content: bytes, tensors: Mapping[str, int], asked: Mapping[str, list[bytes]]) -> dict[str, Array]:
    """The ids of the strings asked for, by feature; all features in the same batches."""
    interpreter = Interpreter(
        model_content=content,
        experimental_preserve_all_tensors=True,
        experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
    )
    model = DeviceModel(interpreter)
    longest = max(map(len, asked.values()), default=0)
    found: dict[str, list[Array]] = {name: [] for name in asked}
    for start in range(0, longest, _BATCH_ROWS):
        model.predict(_batch(model.inputs, asked, start, min(_BATCH_ROWS, longest - start)), _BATCH_ROWS)
        for name, tensor in tensors.items():
            found[name].append(np.array(interpreter.get_tensor(tensor)))
    return {name: np.concatenate(ids)[: len(asked[name])] for name, ids in found.items()}


def _batch(inputs: Mapping[str, type], asked: Mapping[str, list[bytes]], start: int, rows: int) -> Columns:
    columns: dict[str, Array] = {name: np.zeros(rows, dtype) for name, dtype in inputs.items() if name not in asked}
    for name, strings in asked.items():
        columns[name] = np.full(rows, _MISSING, object)
        taken = strings[start : start + rows]
        columns[name][: len(taken)] = taken
    return columns


def _vocabulary(name: str, terms: tuple[bytes, ...], ids: Array) -> Vocabulary:
    missing, unseen = int(ids[0]), int(ids[1])
    # The empty string means missing, even where it is among the terms.
    places = [(place, int(found)) for place, found in enumerate(ids[2:]) if terms[place] != _MISSING]
    # Where no term has an id yet, the next one in line stands for the first.
    first = places[0][1] - places[0][0] if places else max(missing, unseen) + 1
    for place, found in places:
        if found != first + place or found == unseen:
            raise PipelineError(
                f"vocabulary of '{name}': expected {len(terms)} terms of consecutive ids, {terms[place]!r} with "
                f"{first + place}. Received: {found} from the file, which gives an unseen string {unseen}"
            )
    return Vocabulary(terms, missing, unseen, first)
