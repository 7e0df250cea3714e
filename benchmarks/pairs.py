"""From repeated pairs of runs to medians and ratios."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from benchmarks.side import Side


@dataclass(frozen=True)
class Pair:
    """A run of stock TFX and one of ours, made one after the other."""

    stock: Side
    ours: Side


@dataclass(frozen=True)
class Ratio:
    """Medians in seconds, their ratio, stock over ours, and the least and largest ratio of a single pair."""

    stock_s: float
    ours_s: float
    ratio: float
    ratio_low: float
    ratio_high: float


def ratio(pairs: Sequence[Pair], seconds: Callable[[Side], float]) -> Ratio:
    """The ratio of what `seconds` reads of each side."""
    stock, ours = [seconds(pair.stock) for pair in pairs], [seconds(pair.ours) for pair in pairs]
    single = [_over(*both) for both in zip(stock, ours, strict=True)]
    return Ratio(median(stock), median(ours), _over(median(stock), median(ours)), min(single), max(single))


def _over(stock: float, ours: float) -> float:
    return stock / ours if ours else float("inf")


def shared_nodes(pairs: Sequence[Pair]) -> tuple[str, ...]:
    """Nodes that every run of both sides has, in our order."""
    sides = [side for pair in pairs for side in (pair.stock, pair.ours)]
    return tuple(node for node in pairs[0].ours.nodes if all(node in side.nodes for side in sides))


def nodes_content(pairs: Sequence[Pair], in_turn: Side) -> dict[str, dict[str, Any]]:
    """Seconds, ratio and memory of each shared node; memory is the largest of all repetitions.

    Args:
        pairs: the repetitions, in which nodes of ours may run at the same time and share the cores.
        in_turn: one more run of ours, its nodes one after another, as stock runs its own.
    """
    return {node: {**_node(pairs, node), **_in_turn(pairs, in_turn, node)} for node in shared_nodes(pairs)}


def _node(pairs: Sequence[Pair], node: str) -> dict[str, Any]:
    recorded = [pair.ours.nodes[node].recorded_mebibytes for pair in pairs]
    return {
        **vars(ratio(pairs, lambda side: side.nodes[node].seconds)),
        "stock_mb": max(pair.stock.nodes[node].mebibytes for pair in pairs),
        "ours_mb": max(pair.ours.nodes[node].mebibytes for pair in pairs),
        "ours_recorded_mb": max((value for value in recorded if value is not None), default=None),
    }


def _in_turn(pairs: Sequence[Pair], in_turn: Side, node: str) -> dict[str, float | None]:
    if node not in in_turn.nodes:
        return {"in_turn_s": None, "in_turn_ratio": None}
    seconds = in_turn.nodes[node].seconds
    stock = median(pair.stock.nodes[node].seconds for pair in pairs)
    return {"in_turn_s": seconds, "in_turn_ratio": _over(stock, seconds)}


def own_nodes(pairs: Sequence[Pair]) -> dict[str, dict[str, float]]:
    """Median seconds and largest memory of the nodes that only our side has."""
    shared = shared_nodes(pairs)
    own = [node for node in pairs[0].ours.nodes if node not in shared]
    runs = {node: [pair.ours.nodes[node] for pair in pairs if node in pair.ours.nodes] for node in own}
    return {
        node: {
            "ours_s": median(cost.seconds for cost in costs),
            "ours_mb": max(cost.mebibytes for cost in costs),
        }
        for node, costs in runs.items()
    }


def chain_content(pairs: Sequence[Pair]) -> dict[str, Any]:
    """The whole: process start to Pusher's end with all our nodes, and what the nodes of both sides take alone."""
    shared = shared_nodes(pairs)

    def nodes(side: Side) -> float:
        return sum(side.nodes[node].seconds for node in shared)

    return {
        **vars(ratio(pairs, lambda side: side.chain)),
        "stock_mb": max(pair.stock.peak for pair in pairs),
        "ours_mb": max(pair.ours.peak for pair in pairs),
        "shared_nodes": vars(ratio(pairs, nodes)),
        "startup_and_shared_nodes": vars(ratio(pairs, lambda side: side.startup + nodes(side))),
        "startup": vars(ratio(pairs, lambda side: side.startup)),
        "process": vars(ratio(pairs, lambda side: side.process)),
    }


def auc_content(stock: Sequence[float], ours: Sequence[float]) -> dict[str, Any]:
    """Medians, their difference, and every run's, of a metric that both sides evaluate."""
    return {
        "stock": median(stock),
        "ours": median(ours),
        "difference": median(ours) - median(stock),
        "stock_runs": list(stock),
        "ours_runs": list(ours),
    }
