"""Embedding tables in four bits, with dense layers in eight, by AI Edge Quantizer."""

import re
from collections.abc import Iterator
from typing import Any

from ai_edge_litert import schema_py_generated as schema

from edge.flatbuffer import constants, float_regions, model_io
from edge.flatbuffer.operator_versions import raise_versions

# Elements from which a table is worth its quantization record; a lookup needs no operator beside it to widen a row.
_SMALLEST_TABLE = 64


def quantize_tables(content: bytes, table_bits: int) -> bytes:
    """A float32 model with tables of `table_bits`, large dense weights of eight bits, and activations in float.

    AI Edge Quantizer knows four bits for EMBEDDING_LOOKUP and not for GATHER, so lookups of learned tables become the
    former. Tables have one scale, since one a row would take 12 bytes beside a row of half its width. What the
    quantizer does not know stays as it is: hash tables, strings.

    Args:
        content: a .tflite file whose tensors have names, each its own.
        table_bits: 4 or 8. Small tables get 8 in any case, since little is saved there, and so do tables of an odd
            width: LiteRT's lookup takes a row of four-bit values to begin at a whole byte, and where it does not,
            answers with its neighbour's.
    """
    from ai_edge_quantizer import qtyping, quantizer

    model = model_io.read(content)
    _use_lookups(model)
    maker = quantizer.Quantizer(bytearray(model_io.write(model)))
    for operator, bits in _plan(model, table_bits):
        # The quantizer looks for the pattern in the names of an operator's outputs, joined by semicolons.
        output = rf"(^|;){re.escape(model_io.tensor_name(model, operator.outputs[0]))};"
        maker.add_dynamic_config(
            output, qtyping.TFLOperationName(operator.name), bits, qtyping.QuantGranularity.TENSORWISE
        )
    if not maker.get_quantization_recipe():
        # Nothing is large enough, and the quantizer takes no empty list of what to do.
        return _finished(model_io.write(model))
    made = maker.quantize(enable_progress_bar=False, enable_progress_report=False)
    return _finished(bytes(made.quantized_model))


def _plan(model: Any, table_bits: int) -> Iterator[tuple[model_io.Operator, int]]:
    """The operators whose weights are worth it, and the bits of each."""
    tables, large = constants.large(model, _SMALLEST_TABLE), constants.large(model)
    for operator in model_io.operators(model):
        weights = operator.inputs[1] if len(operator.inputs) > 1 else None
        if operator.name == "FULLY_CONNECTED" and weights in large:
            yield operator, 8
        elif operator.name == "EMBEDDING_LOOKUP" and weights in tables:
            even = model.subgraphs[0].tensors[weights].shape[1] % 2 == 0
            yield operator, table_bits if even and weights in large else 8


def _finished(content: bytes) -> bytes:
    """The factors that the quantizer left in float are eight-bit too, and versions are those of the types."""
    model = model_io.read(content)
    factors = [index for index in constants.large(model) if _is_factor(model, index)]
    for index in factors:
        constants.quantize(model, index)
    constants.widen_at_load(model, factors, constants.DEQUANTIZE_INT8)
    constants.drop_unused_buffers(model)
    raise_versions(model)
    return model_io.write(model)


def _is_factor(model: Any, index: int) -> bool:
    return all(operator.name == "MUL" for operator in model_io.operators(model) if index in operator.inputs)


def _use_lookups(model: Any) -> None:
    """Turns each GATHER of whole rows of a learned table into an EMBEDDING_LOOKUP, whose ids are int32."""
    subgraph, kept = model.subgraphs[0], float_regions.raw_constants(model)
    names = model_io.operators(model)
    lookup = constants.operator_code(model, schema.BuiltinOperator.EMBEDDING_LOOKUP)
    cast = constants.operator_code(model, schema.BuiltinOperator.CAST)
    narrow: dict[int, int] = {}
    turned: list[Any] = []
    for entry, operator in zip(subgraph.operators, names, strict=True):
        if operator.name == "GATHER" and operator.inputs[0] not in kept and _takes_rows(model, entry):
            table, ids = operator.inputs
            if ids not in narrow and subgraph.tensors[ids].type != schema.TensorType.INT32:
                narrow[ids] = constants.add_like(model, ids, "_int32", schema.TensorType.INT32)
                turned.append(constants.operator(cast, [ids], narrow[ids]))
            entry.opcodeIndex, entry.inputs = lookup, [narrow.get(ids, ids), table]
            entry.builtinOptions, entry.builtinOptionsType = None, schema.BuiltinOptions.NONE
        turned.append(entry)
    subgraph.operators = turned


def _takes_rows(model: Any, gather: Any) -> bool:
    table, ids = (model.subgraphs[0].tensors[index] for index in gather.inputs)
    options = gather.builtinOptions
    whole = options is None or (options.axis == 0 and options.batchDims == 0)
    learned = table.type == schema.TensorType.FLOAT32 and model_io.constant(model, int(gather.inputs[0]))
    return bool(whole and learned and len(table.shape) == 2 and ids.shape is not None and len(ids.shape) == 1)
