"""Golden rows: raw rows with the answers that every runtime must give."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edge.forms.answers import answers
from edge.forms.columns import as_ids, as_packed
from edge.forms.vocabulary import Vocabulary
from edge.runtime.litert_model import Array, Columns, DeviceModel
from schema.errors import InputError, PipelineError


@dataclass(frozen=True)
class Golden:
    """The same N rows as each form takes them, an array [N] or, for packed strings, [N, W] for each feature."""

    raw: Columns
    ids: Columns
    packed: Columns

    @classmethod
    def of(cls, raw: Columns, vocabularies: Mapping[str, Vocabulary]) -> "Golden":
        """The rows in every form, of raw ones; see columns.as_ids and as_packed."""
        return cls(raw, as_ids(raw, vocabularies), as_packed(raw, vocabularies))


def check_forms(raw: Path, ids: Path, packed: Path, golden: Golden) -> Array:
    """Asks all three forms of a variant for the golden rows, the raw one row by row.

    They hold one network and run in one interpreter, so their answers are the same to the last bit.

    Returns:
        The answers, float32 [N, k].

    Raises:
        PipelineError: naming the file, the row and both answers where they differ.
    """
    scores = DeviceModel(raw).predict(golden.raw, 1)
    for path, columns in ((ids, golden.ids), (packed, golden.packed)):
        found = answers(path, columns)
        same = (found == scores) | (np.isnan(found) & np.isnan(scores))
        for row in np.flatnonzero(~same.all(axis=1)):
            raise PipelineError(
                f"{path.name}: golden row {row}: expected {scores[row].tolist()}, the answer of {raw.name}. "
                f"Received: {found[row].tolist()}"
            )
    return scores


def as_json(golden: Golden, scores: Mapping[str, Array]) -> str:
    """The content of golden.json; a number that is missing, and an answer that is not finite, is null.

    Args:
        golden: the rows.
        scores: the answers by variant, float32 [N, k], as check_forms gives them.

    Raises:
        InputError: without a variant, or if the variants' answers are not of one shape.
    """
    shapes = {values.shape for values in scores.values()}
    if len(shapes) != 1:
        raise InputError(f"golden rows: expected answers [N, k] of one shape. Received: {sorted(shapes)}")
    content = {
        "features": list(golden.raw),
        "rows": _rows(golden.raw),
        "ids": _rows(golden.ids),
        "packed": _rows(golden.packed),
        "outputs": shapes.pop()[1],
        "expected": {name: [[_value(score) for score in row] for row in values] for name, values in scores.items()},
    }
    return json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def _rows(columns: Columns) -> list[dict[str, Any]]:
    return [dict(zip(columns, map(_value, row), strict=True)) for row in zip(*columns.values(), strict=True)]


def _value(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode("utf-8")
    if isinstance(value, np.floating):
        # The shortest text that float32 reads back as the same number.
        return float(str(value)) if np.isfinite(value) else None
    return value.tolist()
