"""Medians, ratios and growth, worked out by hand."""

import math

import pytest

from benchmarks.growth import growth, tables, verdict
from benchmarks.pairs import Pair, auc_content, chain_content, nodes_content, own_nodes, ratio, shared_nodes
from benchmarks.side import NodeCost, Side


def side(nodes: dict[str, float], startup: float = 1.0, chain: float = 100.0, peak: float = 1000.0) -> Side:
    costs = {node: NodeCost(seconds, 10 * seconds, 9 * seconds) for node, seconds in nodes.items()}
    return Side(costs, startup, chain, chain + 1, peak)


PAIRS = [
    Pair(
        side({"ExampleGen": 40.0, "Pusher": 1.0}, 8, 100), side({"ExampleGen": 4.0, "Gate": 3.0, "Pusher": 1.0}, 4, 20)
    ),
    Pair(
        side({"ExampleGen": 60.0, "Pusher": 1.0}, 8, 160), side({"ExampleGen": 5.0, "Gate": 1.0, "Pusher": 1.0}, 4, 40)
    ),
    Pair(
        side({"ExampleGen": 50.0, "Pusher": 1.0}, 8, 120), side({"ExampleGen": 10.0, "Gate": 2.0, "Pusher": 1.0}, 4, 30)
    ),
]


def test_the_ratio_is_of_medians_and_its_range_of_single_pairs() -> None:
    found = ratio(PAIRS, lambda side: side.nodes["ExampleGen"].seconds)
    assert (found.stock_s, found.ours_s, found.ratio) == (50.0, 5.0, 10.0)
    assert (found.ratio_low, found.ratio_high) == (5.0, 12.0)


def test_shared_nodes_are_those_of_every_run_in_our_order() -> None:
    assert shared_nodes(PAIRS) == ("ExampleGen", "Pusher")


IN_TURN = side({"ExampleGen": 2.5, "Gate": 1.0})


def test_a_node_is_also_told_by_the_run_in_which_nodes_do_not_overlap() -> None:
    found = nodes_content(PAIRS, IN_TURN)
    assert (found["ExampleGen"]["in_turn_s"], found["ExampleGen"]["in_turn_ratio"]) == (2.5, 20.0)
    assert (found["Pusher"]["in_turn_s"], found["Pusher"]["in_turn_ratio"]) == (None, None)


def test_memory_of_a_node_is_the_largest_of_all_repetitions() -> None:
    found = nodes_content(PAIRS, IN_TURN)["ExampleGen"]
    assert (found["stock_mb"], found["ours_mb"], found["ours_recorded_mb"]) == (600.0, 100.0, 90.0)


def test_memory_that_no_run_recorded_is_none() -> None:
    bare = Side({"ExampleGen": NodeCost(1.0, 2.0)}, 1, 2, 3, 4)
    assert nodes_content([Pair(bare, bare)], bare)["ExampleGen"]["ours_recorded_mb"] is None


def test_nodes_of_ours_alone_are_told_apart() -> None:
    assert own_nodes(PAIRS) == {"Gate": {"ours_s": 2.0, "ours_mb": 30.0}}


def test_the_chain_is_told_with_and_without_our_own_nodes() -> None:
    found = chain_content(PAIRS)
    assert (found["stock_s"], found["ours_s"], found["ratio"]) == (120.0, 30.0, 4.0)
    assert (found["shared_nodes"]["stock_s"], found["shared_nodes"]["ours_s"]) == (51.0, 6.0)
    assert (found["startup_and_shared_nodes"]["stock_s"], found["startup_and_shared_nodes"]["ours_s"]) == (59.0, 10.0)
    assert (found["startup"]["ratio"], found["stock_mb"]) == (2.0, 1000.0)


def test_nothing_measured_for_ours_is_an_infinite_ratio() -> None:
    zero = side({"Pusher": 0.0})
    assert nodes_content([Pair(side({"Pusher": 1.0}), zero)], zero)["Pusher"]["ratio"] == math.inf


def test_the_difference_of_auc_is_ours_less_stock() -> None:
    found = auc_content([0.70, 0.72, 0.71], [0.73, 0.72, 0.71])
    assert (found["stock"], found["ours"]) == (0.71, 0.72)
    assert found["difference"] == pytest.approx(0.01)


def run(
    times: int, seconds: float, startup: float, peak: float, node: float, node_peak: float | None
) -> dict[str, object]:
    return {
        "times": times,
        "rows": 100 * times,
        "seconds": seconds,
        "startup_s": startup,
        "peak_mb": peak,
        "nodes": {"Trainer": {"seconds": node, "peak_mb": node_peak}},
    }


RUNS = [run(1, 30.0, 10.0, 1000.0, 8.0, 900.0), run(10, 190.0, 10.0, 1300.0, 72.0, 1080.0)]


def test_the_whole_grows_beyond_its_start_up() -> None:
    found = growth(RUNS)
    assert found["process"] == [{"rows": 10.0, "seconds": 9.0, "peak_mb": 1.3}]
    assert found["Trainer"] == [{"rows": 10.0, "seconds": 9.0, "peak_mb": 1.2}]


def test_a_number_that_is_missing_has_no_growth() -> None:
    assert growth([RUNS[0], run(10, 190.0, 10.0, 1300.0, 72.0, None)])["Trainer"][0]["peak_mb"] is None


def test_growth_within_the_promise_says_so() -> None:
    assert verdict(RUNS) == [
        "time beyond start-up at 10 times the rows: 9.0 times, within 10",
        "largest growth of a node's memory: process, 1.30 times, within 1.5",
    ]


def test_growth_beyond_the_promise_says_so() -> None:
    told = verdict([RUNS[0], run(10, 290.0, 10.0, 1300.0, 72.0, 1800.0)])
    assert told == [
        "time beyond start-up at 10 times the rows: 14.0 times, MORE than 10",
        "largest growth of a node's memory: Trainer, 2.00 times, MORE than 1.5",
    ]


def test_growth_tables_show_each_size_and_each_factor() -> None:
    seconds, memory = tables(RUNS)
    assert seconds.head == ("node", "100 rows", "1,000 rows", "10x")
    assert seconds.rows == (("Trainer", "8.0", "72.0", "9.00"), ("process beyond start-up", "20.0", "180.0", "9.00"))
    assert memory.rows == (("Trainer", "900", "1,080", "1.20"), ("process", "1,000", "1,300", "1.30"))
