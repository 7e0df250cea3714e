"""Why a quantized variant lost: which of a layer's inputs the int8 scale is too coarse for.

A tensor has one scale for all its columns, so that a wide column takes the levels of a narrow one beside it. What a
layer takes is compared, column by column, with the float values that it stands for: how many of the 256 levels the
column's own range covers, and its signal-to-noise ratio, var(x) / mean((x - rounded x)^2), in decibels (as LiteRT's
quantization debugger looks at a layer's error against its scale, https://ai.google.dev/edge/litert).
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from edge import graph
from edge.columns import Block, blocks
from edge.runner import Array, Columns, DeviceModel

_LAYERS = frozenset({"FULLY_CONNECTED", "BATCH_MATMUL", "CONV_2D"})
_INTEGERS = {schema.TensorType.INT8: (-128, 127), schema.TensorType.INT16: (-32768, 32767)}
# A raw column of fewer levels has lost what it said: with 16 the rounding alone is 3 % of its range.
_FEW_LEVELS = 16
# Between quantizing and the layer.
_PASSING = frozenset({"RESHAPE", "EXPAND_DIMS", "SQUEEZE"})
_NAMED = 6


@dataclass(frozen=True)
class _Site:
    """What a quantized layer takes: its number of `count` layers, its scale, and the float values it stands for."""

    layer: int
    count: int
    operator: str
    tensor: int
    scale: float
    zero_point: int
    ends: tuple[int, int]
    values: Array


@dataclass(frozen=True)
class _Column:
    """A block of columns at a site: their range over the rows, the levels it covers, and decibels over the rounding."""

    block: Block
    low: float
    high: float
    levels: int
    decibels: float


def cause(variant: Path, rows: Columns, reference: Path | None = None) -> str | None:
    """What a loss comes from, in a sentence that names features; None of a file whose layers take float.

    Args:
        variant: the quantized file, of raw form.
        rows: raw rows to look at, an array [N] for each input.
        reference: the float32 file of the same weights. Without it only those layers are looked at that take values
            which the variant itself still has in float.
    """
    model = graph.read(variant.read_bytes())
    traced = blocks(model)
    found = [(site, _columns(site, traced.get(site.tensor, ()))) for site in _sites(model, variant, rows, reference)]
    for site, columns in found:
        shared = _shared(site, columns)
        if shared:
            return shared
    known = [(site, column) for site, columns in found for column in columns if math.isfinite(column.decibels)]
    if not known:
        return None
    site, column = min(known, key=lambda entry: entry[1].decibels)
    return (
        f"the input of layer {site.layer} of {site.count} ({site.operator}) is rounded most where it comes of "
        f"{_names(column.block)}: {column.decibels:.0f} dB of signal over rounding, {column.levels} of "
        f"{site.ends[1] - site.ends[0] + 1} levels (step {site.scale:.3g})"
    )


def _shared(site: _Site, columns: list[_Column]) -> str | None:
    """Raw numbers on one scale, of which one is too narrow for it."""
    raw = [column for column in columns if column.block.raw and column.block.features]
    if len({column.block.features for column in raw}) < 2:
        return None
    narrow = min(raw, key=lambda column: column.levels)
    if narrow.levels > _FEW_LEVELS:
        return None
    wide = max(raw, key=lambda column: max(abs(column.low), abs(column.high)))
    return (
        f"{_names(wide.block)} and {_names(narrow.block)} share one int8 scale (step {site.scale:.3g}): "
        f"{_names(narrow.block)}, {narrow.low:g} to {narrow.high:g}, has {narrow.levels} of "
        f"{site.ends[1] - site.ends[0] + 1} levels"
    )


def _names(block: Block) -> str:
    names = sorted(block.features)
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more


def _columns(site: _Site, traced: tuple[Block, ...]) -> list[_Column]:
    width = site.values.shape[1]
    known = traced if sum(block.width for block in traced) == width else (Block(width, frozenset(), raw=False),)
    ends = np.cumsum([0, *(block.width for block in known)])
    return [
        _column(site, block, site.values[:, start:end])
        for block, start, end in zip(known, ends[:-1].tolist(), ends[1:].tolist(), strict=True)
    ]


def _column(site: _Site, block: Block, values: Array) -> _Column:
    finite = values[np.isfinite(values)].astype(np.float64)
    if not finite.size:
        return _Column(block, math.nan, math.nan, 0, math.inf)
    codes = np.clip(np.rint(finite / site.scale) + site.zero_point, *site.ends)
    noise = float(np.mean(((codes - site.zero_point) * site.scale - finite) ** 2))
    signal = float(np.var(finite))
    # A column that never changes says nothing, so that nothing of it can be lost.
    decibels = 10 * math.log10(signal / noise) if signal > 0 and noise > 0 else math.inf
    low, high = float(finite.min()), float(finite.max())
    return _Column(block, low, high, int(codes.max() - codes.min()) + 1, decibels)


def _sites(model: Any, variant: Path, rows: Columns, reference: Path | None) -> Iterator[_Site]:
    operators = graph.operators(model)
    layers = [operator for operator in operators if operator.name in _LAYERS]
    makers = {output: operator for operator in operators for output in operator.outputs}
    own = _watched(variant.read_bytes(), rows)
    floats = _layer_inputs(reference, rows, len(layers)) if reference else {}
    for place, layer in enumerate(layers):
        tensor = layer.inputs[0]
        entry = model.subgraphs[0].tensors[tensor]
        if entry.type not in _INTEGERS or entry.quantization is None or entry.quantization.scale is None:
            continue
        source = _float_source(tensor, makers)
        values = floats.get(place) if source is None else own.get_tensor(source)
        if values is None:
            continue
        width = int(entry.shape[-1]) if len(entry.shape) > 1 else 1
        yield _Site(
            layer=place + 1,
            count=len(layers),
            operator=layer.name,
            tensor=tensor,
            scale=float(entry.quantization.scale[0]),
            zero_point=int(entry.quantization.zeroPoint[0]),
            ends=_INTEGERS[entry.type],
            values=np.asarray(values).reshape(-1, width),
        )


def _float_source(tensor: int, makers: dict[int, graph.Operator]) -> int | None:
    """The float tensor that was quantized into this one; None if it came out of integer arithmetic."""
    maker = makers.get(tensor)
    while maker is not None and maker.name in _PASSING:
        maker = makers.get(maker.inputs[0])
    return maker.inputs[0] if maker is not None and maker.name == "QUANTIZE" else None


def _layer_inputs(reference: Path, rows: Columns, layers: int) -> dict[int, Array]:
    """What each layer of the float32 file takes; the layers of both files stand in one order."""
    content = reference.read_bytes()
    found = [operator for operator in graph.operators(graph.read(content)) if operator.name in _LAYERS]
    if len(found) != layers:
        return {}
    watched = _watched(content, rows)
    return {place: watched.get_tensor(layer.inputs[0]) for place, layer in enumerate(found)}


def _watched(content: bytes, rows: Columns) -> Any:
    """An interpreter that has answered the rows and kept every tensor."""
    interpreter = Interpreter(
        model_content=content,
        experimental_preserve_all_tensors=True,
        experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
    )
    count = len(next(iter(rows.values())))
    DeviceModel(interpreter).predict(rows, count)
    return interpreter
