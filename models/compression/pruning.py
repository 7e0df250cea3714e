"""Magnitude pruning: which weights are 0, and from which step on.

The smallest weights go first, few at a time at the end (Zhu and Gupta, 2017, arXiv:1710.01878).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.float32]

_GROUP = 4
_KEPT_OF_GROUP = 2


@dataclass(frozen=True)
class Ramp:
    """From nothing to all in `end` steps: fast while there is much to prune, and slow towards the end."""

    end: int

    def share(self, step: int) -> float:
        """How much of what is pruned in the end is pruned at this step, in [0, 1]: 1 - (1 - step / end)^3."""
        left = 1.0 - min(step, self.end) / self.end if self.end else 0.0
        return 1.0 - left**3


def smallest(values: NDArray[np.float32], sparsity: float) -> Mask:
    """0 for the smallest magnitudes, exactly `round(sparsity * size)` of them, and 1 for the others; of their shape."""
    return _zeros_at(values, _order(values)[: round(sparsity * values.size)])


def two_of_four(values: NDArray[np.float32]) -> Mask:
    """1 for the two largest magnitudes of every four rows of a column, and 0 for the others.

    Args:
        values: [inputs, outputs]. Of fewer than four last rows at most two are kept as well.
    """
    inputs, outputs = values.shape
    padded = np.full((-(-inputs // _GROUP) * _GROUP, outputs), -1.0, np.float32)
    padded[:inputs] = np.abs(values)
    groups = padded.reshape(-1, _GROUP, outputs)
    places = np.argsort(-groups, axis=1, kind="stable")[:, :_KEPT_OF_GROUP]
    mask = np.zeros_like(groups)
    np.put_along_axis(mask, places, 1.0, axis=1)
    return mask.reshape(-1, outputs)[:inputs]


def begun(values: NDArray[np.float32], final: Mask, share: float) -> Mask:
    """A mask on its way: of the zeros of the final one those of the smallest magnitudes, a share of them in [0, 1]."""
    order = _order(values)
    pruned = order[final.ravel()[order] == 0.0]
    return _zeros_at(values, pruned[: round(share * len(pruned))])


def _order(values: NDArray[np.float32]) -> NDArray[np.intp]:
    # Stable, so that equal weights are pruned alike on all workers.
    return np.argsort(np.abs(values), axis=None, kind="stable")


def _zeros_at(values: NDArray[np.float32], places: NDArray[np.intp]) -> Mask:
    mask = np.ones(values.size, np.float32)
    mask[places] = 0.0
    return mask.reshape(values.shape)
