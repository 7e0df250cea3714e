"""Where a tree of metrics derives confusion matrices at every threshold from a histogram, which is slow in TFMA."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from tensorflow_model_analysis.metrics import binary_confusion_matrices

from evaluation.computations import Computations, Leaf
from evaluation.histogram import HistogramForm
from evaluation.threshold_cuts import ThresholdCuts, threshold_cuts


@dataclass(frozen=True)
class Curve:
    """A leaf that is a histogram, by its place, and the matrices that TFMA derives from it."""

    place: int
    cuts: Mapping[Any, ThresholdCuts]


def curves(tree: Computations) -> tuple[Curve, ...]:
    """The curves of a tree, in the order of its leaves."""
    histograms = (place for place, leaf in enumerate(tree.leaves) if isinstance(leaf.form, HistogramForm))
    return tuple(_curve(place, tree.leaves[place], tree) for place in histograms)


def without_matrices(tree: Computations, found: Iterable[Curve]) -> Computations:
    """The tree without the derived computations of the curves' matrices, whose results come from elsewhere."""
    keys = {key for curve in found for key in curve.cuts}
    return replace(tree, derived=tuple(derived for derived in tree.derived if not keys & set(derived.keys)))


def _curve(place: int, leaf: Leaf, tree: Computations) -> Curve:
    # Matrices at a few given thresholds are a leaf's own, under the same name.
    own = {key for other in tree.leaves for key in other.keys}
    cuts = {
        key: threshold_cuts(leaf.form, computation)
        for computation in tree.derived
        for key in computation.keys
        if key.name.startswith(binary_confusion_matrices.BINARY_CONFUSION_MATRICES_NAME)
        and key.model_name == leaf.model
        and key not in own
    }
    return Curve(place, cuts)
