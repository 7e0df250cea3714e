"""The form that takes strings as words and compares them with its terms in the graph."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from edge.flatbuffer import model_io
from edge.flatbuffer.graph_editing import Chain, add_constant, add_tensor, replace_input
from edge.flatbuffer.strip_metadata import slim
from edge.forms.embedding_inputs import inputs
from edge.forms.ids import ids_form
from edge.forms.string_packing import pack
from edge.forms.vocabulary import Vocabulary
from edge.runtime.litert_model import Array

_BOOL, _INT32 = schema.TensorType.BOOL, schema.TensorType.INT32


def packed_form(content: bytes, vocabularies: Mapping[str, Vocabulary]) -> bytes:
    """A file of the same network whose strings are packed words.

    A feature of T terms in W words takes 4 T (W + 1) bytes and some 1,000 more for operators, and its table of strings
    is gone. Comparing takes T W steps a row. Every operator is of LiteRT's first years.

    Args:
        content: a raw form.
        vocabularies: what vocabulary.observe found in it.

    Returns:
        A file with the same inputs in the same order: strings are int32 [N, W] words (see words.pack), integers int32
        [N], numbers float32 [N]. It gives the raw form's id to every string but those with a zero byte, in which
        packed strings end: they are unseen.

    Raises:
        InputError: as ids_form.
        PipelineError: as ids_form.
    """
    strings = list(inputs(model_io.read(content)).strings)
    model = model_io.read(ids_form(content))
    given = inputs(model).all
    compared = [entry for name in strings for entry in _compare(model, given[name], vocabularies[name])]
    model.subgraphs[0].operators[:0] = compared
    return slim(model_io.write(model))


def _compare(model: Any, ids: int, vocabulary: Vocabulary) -> list[Any]:
    """Puts an input of words in the place of the input of ids; returns the operators between them."""
    table, steps = _table(vocabulary)
    words = add_tensor(model, _INT32, [-1, vocabulary.words], model_io.tensor_name(model, ids))
    replace_input(model, ids, words)
    chain = Chain(model)
    same = _same_terms(chain, words, table)
    # A string is one term at most, so the sum is the step from the unseen string's id to its own.
    stepped = chain.add("MUL", [same, add_constant(model, steps)], _INT32, [-1, len(steps)], schema.MulOptionsT())
    total = chain.add("SUM", [stepped, _numbers(model, [1])], _INT32, [-1], schema.ReducerOptionsT())
    chain.end("ADD", [total, _numbers(model, [vocabulary.unseen_id])], ids, schema.AddOptionsT())
    return chain.operators


def _same_terms(chain: Chain, words: int, table: Array) -> int:
    """Adds the tensor int32 [N, T] that is 1 where the string is the term and 0 elsewhere."""
    count, width = table.shape
    if width == 1:
        terms = add_constant(chain.model, table[:, 0])
        return chain.cast(chain.add("EQUAL", [words, terms], _BOOL, [-1, count], schema.EqualOptionsT()), _INT32)
    options = schema.ReshapeOptionsT()
    options.newShape = [-1, 1, width]
    rows = chain.add("RESHAPE", [words, _numbers(chain.model, options.newShape)], _INT32, options.newShape, options)
    terms = add_constant(chain.model, table[np.newaxis])
    equal = chain.add("EQUAL", [rows, terms], _BOOL, [-1, count, width], schema.EqualOptionsT())
    # REDUCE_ALL, which would need no cast, came to LiteRT years later.
    sources = [chain.cast(equal, _INT32), _numbers(chain.model, [2])]
    return chain.add("REDUCE_MIN", sources, _INT32, [-1, count], schema.ReducerOptionsT())


def _table(vocabulary: Vocabulary) -> tuple[Array, Array]:
    """The strings that have an id of their own as words, int32 [T, W], and their ids less the unseen one, int32 [T]."""
    ids = {term: number for term, number in vocabulary.ids.items() if b"\0" not in term}
    return pack(list(ids), vocabulary.words), np.array(list(ids.values()), np.int32) - np.int32(vocabulary.unseen_id)


def _numbers(model: Any, values: list[int]) -> int:
    return add_constant(model, np.array(values, np.int32))
