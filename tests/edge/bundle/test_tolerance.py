"""How far a file's answers may differ between runtimes, read from its operators."""

import numpy as np
import pytest

from edge.bundle.tolerance import EXACT, FLOAT, HYBRID, tolerance
from edge.convert.converter import Converted

PROBABILITIES = np.array([[0.25], [0.75]], np.float32)


def test_integers_are_exact_hybrids_loose_and_floats_in_between(variants: dict[str, Converted]) -> None:
    found = {name: tolerance(made.path.read_bytes(), PROBABILITIES) for name, made in variants.items()}

    expected = {"float32": FLOAT, "float16": FLOAT, "dynamic_int8": HYBRID, "int8": EXACT}
    assert {name: found[name] for name in expected} == expected


def test_it_grows_with_the_answers_and_passes_over_what_is_not_finite(variants: dict[str, Converted]) -> None:
    content = variants["float32"].path.read_bytes()

    assert tolerance(content, np.array([[-250.0], [np.nan], [3.0]], np.float32)) == 250 * FLOAT
    assert tolerance(content, np.array([[np.nan]], np.float32)) == FLOAT


def test_it_is_in_the_labels_unit_where_answers_are(variants: dict[str, Converted]) -> None:
    content, answers = variants["float32"].path.read_bytes(), np.array([[1e-9], [3e-9]], np.float32)

    assert tolerance(content, answers, 2e-9) == pytest.approx(3e-9 * FLOAT)
    assert tolerance(content, answers * 0, 2e-9) == 2e-9 * FLOAT
