"""Where a graph's inputs meet its tables of embeddings."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ai_edge_litert import schema_py_generated as schema

from edge.flatbuffer import model_io
from schema.errors import InputError, PipelineError
from schema.signatures import SERVING_DEFAULT

# Position of the ids among the inputs of each operator that looks rows of a table up.
IDS_POSITION: Mapping[str, int] = {"GATHER": 1, "EMBEDDING_LOOKUP": 0}

_INTEGERS = (schema.TensorType.INT32, schema.TensorType.INT64)


@dataclass(frozen=True)
class Inputs:
    """A signature's inputs by type, each the index of its tensor by its name, in the order of the graph's inputs.

    Attributes:
        strings: string [N].
        integers: int64 [N].
        all: these and the float32 ones.
    """

    strings: dict[str, int]
    integers: dict[str, int]
    all: dict[str, int]


def inputs(model: Any) -> Inputs:
    """The inputs of `serving_default`.

    Raises:
        InputError: if the file has no signature of that name or another beside it.
    """
    keys = [(entry.signatureKey or b"").decode("utf-8") for entry in model.signatureDefs or ()]
    if keys != [SERVING_DEFAULT]:
        raise InputError(f"expected one signature, '{SERVING_DEFAULT}'. Received: {', '.join(keys) or 'none'}")
    main, names = model.subgraphs[0], {}
    for entry in model.signatureDefs[0].inputs:
        names[entry.tensorIndex] = entry.name.decode("utf-8")
    found = {names[int(index)]: int(index) for index in main.inputs}

    def typed(tensor_type: int) -> dict[str, int]:
        return {name: index for name, index in found.items() if main.tensors[index].type == tensor_type}

    return Inputs(typed(schema.TensorType.STRING), typed(schema.TensorType.INT64), found)


def id_tensors(model: Any) -> dict[str, int]:
    """By string input: the tensor of ids, int32 or int64 [N], that its lookups take and that no other input touches.

    A cast between the ids and a lookup counts as part of the lookup.

    Raises:
        PipelineError: naming a string input without such a tensor, or with several.
    """
    found: dict[str, set[int]] = {name: set() for name in inputs(model).strings}
    owners, casts = _owners(model), integer_casts(model)
    for entry in model_io.operators(model):
        if entry.name in IDS_POSITION:
            ids = entry.inputs[IDS_POSITION[entry.name]]
            ids = casts.get(ids, ids)
            touching = owners.get(ids, frozenset())
            if len(touching) == 1 and touching <= found.keys():
                found[next(iter(touching))].add(ids)
    for name, tensors in found.items():
        if len(tensors) != 1:
            raise PipelineError(
                f"input '{name}': expected one tensor of ids between the string and the tables that are looked up. "
                f"Received: {len(tensors)}"
            )
    return {name: next(iter(tensors)) for name, tensors in found.items()}


def _owners(model: Any) -> dict[int, frozenset[str]]:
    """By tensor: the names of the inputs it depends on."""
    found = {index: frozenset([name]) for name, index in inputs(model).all.items()}
    for entry in model_io.operators(model):
        owners = frozenset[str]().union(*(found.get(index, frozenset()) for index in entry.inputs))
        found |= dict.fromkeys(entry.outputs, owners)
    return found


def integer_casts(model: Any) -> dict[int, int]:
    """By output of a cast between integers: what it casts."""
    tensors = model.subgraphs[0].tensors
    ends = [(e.inputs[0], e.outputs[0]) for e in model_io.operators(model) if e.name == "CAST"]
    return {out: source for source, out in ends if {tensors[source].type, tensors[out].type} <= set(_INTEGERS)}
