"""Arrow columns of whatever type to the schema's three kinds, without loss, or the first row that does not fit."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from ingestion.block import ARROW_TYPES
from schema.errors import InputError
from schema.precision import Precision
from schema.rows import Column, Kind

# Rows of a part, evenly spread, whose numbers are looked at: enough for a deviation to within some percent.
_LOOKED_AT = 4096
_INT64_END = 2**63
# From here on a number is rounded to infinity in 32 bits.
_FLOAT32_END = 2.0**128 - 2.0**103
_EXPECTED = {
    Kind.STRING: "text (string, large_string, either in a dictionary, or date32 as 2013-01-31)",
    Kind.INTEGER: "integers (of up to 64 bits, or bool, or floating where each is whole)",
    Kind.NUMBER: "numbers (integer, floating or decimal)",
}


@dataclass(frozen=True)
class _Fault:
    row: int
    sentence: str


def check_type(name: str, kind: Kind, received: pa.DataType, where: str) -> None:
    """Compares a column's Arrow type with its kind; a column of nulls fits any.

    Raises:
        InputError: beginning with `where`, naming the column and its type.
    """
    if not _fits(kind, received):
        raise InputError(f"{where}: column '{name}': expected {_EXPECTED[kind]}. Received: {received}")


def typed(table: pa.Table, columns: Mapping[str, Column], place: Callable[[int], str]) -> pa.Table:
    """The columns in the schema's order and types; their Arrow types must fit (check_type).

    Raises:
        InputError: naming the first row with a value that is not text, not whole, not finite or beyond its kind's bits.
    """
    plain = {name: _plain(table[name]) for name in columns}
    faults = [fault for name, column in columns.items() if (fault := _find_fault(plain[name], name, column.kind))]
    if faults:
        first = min(faults, key=lambda fault: fault.row)
        raise InputError(f"{place(first.row)}: {first.sentence}")
    # Unchecked, since each value was looked at: a number may lose digits that 32 bits do not hold, as from CSV.
    cast = [plain[name].cast(ARROW_TYPES[column.kind], safe=False) for name, column in columns.items()]
    return pa.table(dict(zip(columns, cast, strict=True)))


def precisions(table: pa.Table, columns: Mapping[str, Column]) -> dict[str, Precision]:
    """What the columns of numbers lose in float32, by name, as some thousand rows show it.

    Args:
        table: the columns as the file has them, of types that fit.
        columns: the schema's.
    """
    names = [name for name, column in columns.items() if column.kind is not Kind.STRING and _is_wide(table[name].type)]
    some = table.select(names).take(pa.array(range(0, len(table), -(-len(table) // _LOOKED_AT) or 1), pa.int64()))
    return {name: Precision.of(_plain(some[name]).drop_null().to_numpy(zero_copy_only=False)) for name in names}


def _is_wide(received: pa.DataType) -> bool:
    """Whether it has numbers that are not float32's."""
    value = received.value_type if pa.types.is_dictionary(received) else received
    return bool(pa.types.is_integer(value) or pa.types.is_float64(value) or pa.types.is_decimal(value))


def _fits(kind: Kind, received: pa.DataType) -> bool:
    value = received.value_type if pa.types.is_dictionary(received) else received
    if pa.types.is_null(value):
        return True
    if kind is Kind.STRING:
        return _is_text(value) or bool(pa.types.is_date32(value))
    if kind is Kind.INTEGER and pa.types.is_boolean(value):
        return True
    if kind is Kind.NUMBER and pa.types.is_decimal(value):
        return True
    return bool(pa.types.is_integer(value) or pa.types.is_floating(value))


def _is_text(value: pa.DataType) -> bool:
    text = pa.types.is_string(value) or pa.types.is_large_string(value)
    return bool(text or pa.types.is_binary(value) or pa.types.is_large_binary(value))


def _plain(column: pa.ChunkedArray) -> pa.Array:
    """One array, out of its dictionary; days as text, decimals and short floats as floats of 64 bits."""
    array = column.combine_chunks()
    array = array.chunk(0) if isinstance(array, pa.ChunkedArray) else array
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    if pa.types.is_date32(array.type):
        return array.cast(pa.string())
    wider = pa.types.is_decimal(array.type) or pa.types.is_float16(array.type)
    return array.cast(pa.float64()) if wider else array


def _find_fault(array: pa.Array, name: str, kind: Kind) -> _Fault | None:
    wrong, expected = _FAULTS[kind](array)
    row = pc.index(wrong, True).as_py() if wrong is not None else -1
    if row < 0:
        return None
    return _Fault(row, f"column '{name}': expected {expected}. Received: {array[row].as_py()!r}")


def _text_faults(array: pa.Array) -> tuple[pa.Array | None, str]:
    if not _is_text(array.type):
        return None, ""
    if pa.types.is_binary(array.type) or pa.types.is_large_binary(array.type):
        try:
            array.cast(pa.large_string() if pa.types.is_large_binary(array.type) else pa.string())
        except pa.ArrowInvalid:
            return pa.array([value is not None and not _is_utf8(value) for value in array.to_pylist()]), "UTF-8 text"
    return pc.match_substring(array, "\0"), "text without a NUL byte"


def _is_utf8(value: bytes) -> bool:
    try:
        value.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _integer_faults(array: pa.Array) -> tuple[pa.Array | None, str]:
    if pa.types.is_uint64(array.type):
        return pc.greater_equal(array, pa.scalar(_INT64_END, pa.uint64())), "an integer of 64 bits"
    if not pa.types.is_floating(array.type):
        return None, ""
    values = array.cast(pa.float64())
    whole = pc.and_(pc.is_finite(values), pc.equal(pc.floor(values), values))
    within = pc.and_(pc.greater_equal(values, -float(_INT64_END)), pc.less(values, float(_INT64_END)))
    return pc.invert(pc.and_(whole, within)), "an integer"


def _number_faults(array: pa.Array) -> tuple[pa.Array | None, str]:
    if not pa.types.is_floating(array.type):
        return None, ""
    # Not a number compares as not less, so that it is wrong as infinity is.
    return pc.invert(pc.less(pc.abs(array), _FLOAT32_END)), "a finite number of 32 bits"


_FAULTS: dict[Kind, Callable[[Any], tuple[pa.Array | None, str]]] = {
    Kind.STRING: _text_faults,
    Kind.INTEGER: _integer_faults,
    Kind.NUMBER: _number_faults,
}
