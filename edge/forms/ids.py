"""The form that takes ids in place of strings."""

from typing import Any

from ai_edge_litert import schema_py_generated as schema

from edge.flatbuffer import graph_editing, model_io
from edge.flatbuffer.strip_metadata import slim
from edge.forms.embedding_inputs import IDS_POSITION, id_tensors, inputs, integer_casts
from schema.errors import PipelineError

_INT32 = schema.TensorType.INT32


def ids_form(content: bytes) -> bytes:
    """A file of the same network whose strings are ids, and whose integers are int32.

    Args:
        content: a raw form: string, int64 and float32 inputs [N].

    Returns:
        A file with the same inputs in the same order: strings are int32 [N] ids (see vocabulary.observe), integers
        int32 [N], numbers float32 [N]. It has no tables of strings.

    Raises:
        InputError: if the file has not just the signature `serving_default`.
        PipelineError: if a string reaches the output in another way than by a lookup of its ids.
    """
    model = model_io.read(content)
    ids, given = id_tensors(model), inputs(model)
    for name, tensor in ids.items():
        _feed(model, tensor, _new_input(model, given.strings[name]))
    # A cast in front is one operator; in the graph a domain's ends may be anything that 64 bits hold.
    for tensor in given.integers.values():
        model.subgraphs[0].operators.insert(0, graph_editing.cast(model, _new_input(model, tensor), tensor))
    graph_editing.drop_dead(model)
    _check(model, given.strings)
    return slim(model_io.write(model))


def _new_input(model: Any, old: int) -> int:
    new = graph_editing.add_tensor(model, _INT32, [-1], model_io.tensor_name(model, old))
    graph_editing.replace_input(model, old, new)
    return new


def _feed(model: Any, ids: int, source: int) -> None:
    """Lets the lookups of these ids, cast or not, take the int32 tensor `source` in their place."""
    takers = {ids} | {cast for cast, source_of in integer_casts(model).items() if source_of == ids}
    for entry in model.subgraphs[0].operators:
        known = model_io.operator(model, entry)
        place = IDS_POSITION.get(known.name)
        if place is not None and known.inputs[place] in takers:
            entry.inputs = [*known.inputs[:place], source, *known.inputs[place + 1 :]]


def _check(model: Any, strings: dict[str, int]) -> None:
    main = model.subgraphs[0]
    left = sorted({model_io.operator(model, entry).name for entry in main.operators if _takes_strings(model, entry)})
    if left or len(model.subgraphs) > 1:
        raise PipelineError(
            f"string inputs {', '.join(strings)}: expected every use of them to be a lookup of ids. "
            f"Received: {', '.join(left) or 'a call of another graph'}"
        )


def _takes_strings(model: Any, entry: Any) -> bool:
    tensors, unfit = model.subgraphs[0].tensors, (schema.TensorType.STRING, schema.TensorType.RESOURCE)
    return any(index >= 0 and tensors[index].type in unfit for index in model_io.operator(model, entry).inputs)
