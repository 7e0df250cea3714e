"""Why a quantized variant lost: which of a layer's inputs its int8 scale is too coarse for.

A tensor has one scale for all its columns, so that a wide column takes the levels of a narrow one beside it. What a
layer takes is compared, column by column, with the float values that it stands for: how many of the 256 levels the
column's own range covers, and its signal-to-noise ratio in decibels, 10 log10(var(x) / mean((x - rounded x)^2)), the
measure of quantization since Bennett (Spectra of Quantized Signals, 1948). Which features a column comes of is found by
trying: it changes when their values change places between rows. So no operator needs to be known.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from edge.flatbuffer import model_io
from edge.runtime.litert_model import Array, Columns, DeviceModel, first_rows
from schema.first_few import first_few

_LAYERS = frozenset({"FULLY_CONNECTED", "BATCH_MATMUL", "CONV_2D"})
_INTEGERS = {schema.TensorType.INT8: (-128, 127), schema.TensorType.INT16: (-32768, 32767)}
# A column of fewer levels has lost what it said: with 16 the rounding alone is 3 % of its range.
_FEW_LEVELS = 16
# Between quantizing and the layer.
_PASSING = frozenset({"RESHAPE", "EXPAND_DIMS", "SQUEEZE"})
# Rows on which it is tried what a column comes of.
_TRIED_ROWS = 256
_NAMED = 6

Features = frozenset[str]


@dataclass(frozen=True)
class _Site:
    """A quantized input of one of `count` layers, and the float `tensor` it stands for, of its own file or another."""

    layer: int
    count: int
    operator: str
    scale: float
    zero_point: int
    ends: tuple[int, int]
    content: bytes
    tensor: int

    @property
    def levels(self) -> int:
        """How many there are."""
        return self.ends[1] - self.ends[0] + 1


@dataclass(frozen=True)
class _Block:
    """Columns of a site that come of the same features: their range, the levels they cover, and decibels."""

    features: Features
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
    found = _blocks(_sites(variant.read_bytes(), reference.read_bytes() if reference else None), rows)
    for site, blocks in found:
        shared = _shared(site, blocks)
        if shared:
            return shared
    known = [(site, block) for site, blocks in found for block in blocks if math.isfinite(block.decibels)]
    if not known:
        return None
    site, block = min(known, key=lambda entry: entry[1].decibels)
    return (
        f"the input of layer {site.layer} of {site.count} ({site.operator}) is rounded most where it comes of "
        f"{_names(block)}: {block.decibels:.0f} dB of signal over rounding, {block.levels} of {site.levels} levels "
        f"(step {site.scale:.3g})"
    )


def _shared(site: _Site, blocks: list[_Block]) -> str | None:
    """Columns on one scale, of which one is too narrow for it."""
    moving = [block for block in blocks if block.features and block.high > block.low]
    if len(moving) < 2:
        return None
    narrow = min(moving, key=lambda block: block.levels)
    wide = max(moving, key=lambda block: max(abs(block.low), abs(block.high)))
    if narrow.levels > _FEW_LEVELS or narrow is wide:
        return None
    return (
        f"{_names(wide)} and {_names(narrow)} share one int8 scale (step {site.scale:.3g}): {_names(narrow)}, "
        f"{narrow.low:.4g} to {narrow.high:.4g}, has {narrow.levels} of {site.levels} levels"
    )


def _names(block: _Block) -> str:
    return first_few(sorted(block.features), _NAMED, ", ")


def _sites(content: bytes, reference: bytes | None) -> list[_Site]:
    model = model_io.read(content)
    operators = model_io.operators(model)
    layers = [operator for operator in operators if operator.name in _LAYERS]
    makers = {output: operator for operator in operators for output in operator.outputs}
    others = _layer_inputs(reference) if reference else []
    found: list[_Site] = []
    for place, layer in enumerate(layers):
        entry = model.subgraphs[0].tensors[layer.inputs[0]]
        if entry.type not in _INTEGERS or entry.quantization is None or entry.quantization.scale is None:
            continue
        own = _float_source(layer.inputs[0], makers)
        if own is not None:
            source = content, own
        elif reference and len(others) == len(layers):
            source = reference, others[place]
        else:
            continue
        scale, zero = float(entry.quantization.scale[0]), int(entry.quantization.zeroPoint[0])
        found.append(_Site(place + 1, len(layers), layer.name, scale, zero, _INTEGERS[entry.type], *source))
    return found


def _float_source(tensor: int, makers: Mapping[int, model_io.Operator]) -> int | None:
    """The float tensor that was quantized into this one; None if it came out of integer arithmetic."""
    maker = makers.get(tensor)
    while maker is not None and maker.name in _PASSING:
        maker = makers.get(maker.inputs[0])
    return maker.inputs[0] if maker is not None and maker.name == "QUANTIZE" else None


def _layer_inputs(reference: bytes) -> list[int]:
    """What each layer of the float32 file takes; the layers of both files stand in one order."""
    return [found.inputs[0] for found in model_io.operators(model_io.read(reference)) if found.name in _LAYERS]


def _blocks(sites: Iterable[_Site], rows: Columns) -> list[tuple[_Site, list[_Block]]]:
    found: list[tuple[_Site, list[_Block]]] = []
    watched: dict[bytes, _Watched] = {}
    for site in sites:
        file = watched.setdefault(site.content, _Watched(site.content))
        values = file.values(rows, site.tensor)
        # A layer may take several rows' worth for each row, as the members of an ensemble do.
        of_columns = file.features(first_rows(rows, _TRIED_ROWS), site.tensor)
        groups: dict[Features, list[int]] = {}
        for column, features in enumerate(of_columns):
            groups.setdefault(features, []).append(column)
        found.append((site, [_block(site, features, values[:, kept]) for features, kept in groups.items()]))
    return found


def _block(site: _Site, features: Features, values: Array) -> _Block:
    finite = values[np.isfinite(values)].astype(np.float64)
    if not finite.size:
        return _Block(features, math.nan, math.nan, 0, math.inf)
    codes = np.clip(np.rint(finite / site.scale) + site.zero_point, *site.ends)
    noise = float(np.mean(((codes - site.zero_point) * site.scale - finite) ** 2))
    signal = float(np.var(finite))
    # A column that never changes says nothing, so that nothing of it can be lost.
    decibels = 10 * math.log10(signal / noise) if signal > 0 and noise > 0 else math.inf
    low, high = float(finite.min()), float(finite.max())
    return _Block(features, low, high, int(codes.max() - codes.min()) + 1, decibels)


class _Watched:
    """A file that is asked rows and shows its inner tensors."""

    def __init__(self, content: bytes) -> None:
        self._interpreter = Interpreter(
            model_content=content,
            experimental_preserve_all_tensors=True,
            experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
        )
        self._model = DeviceModel(self._interpreter)

    def values(self, rows: Columns, tensor: int) -> Array:
        """What a tensor holds for the rows, [rows or a multiple, columns]."""
        self._model.predict(rows, len(next(iter(rows.values()))))
        found: Array = self._interpreter.get_tensor(tensor)
        return found.reshape(-1, found.shape[-1])

    def features(self, rows: Columns, tensor: int) -> list[Features]:
        """The features that each column comes of."""
        before = self.values(rows, tensor)
        found: list[set[str]] = [set() for _ in range(before.shape[1])]
        order: Any = np.random.default_rng(0).permutation(len(next(iter(rows.values()))))
        for name in rows:
            after = self.values({**rows, name: rows[name][order]}, tensor)
            moved = ((before != after) & ~(np.isnan(before) & np.isnan(after))).any(axis=0)
            for column in np.flatnonzero(moved):
                found[column].add(name)
        return [frozenset(names) for names in found]
