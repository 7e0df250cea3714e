"""What `bench.json` says, as tables and a chart for people."""

from collections.abc import Mapping
from typing import Any

from benchmarks.chart import Bars, svg
from benchmarks.tables import Table, number

Content = Mapping[str, Any]

_CHAIN = {
    "": "process start to the end of Pusher",
    "startup_and_shared_nodes": "start-up and the nodes of both",
    "shared_nodes": "the nodes of both",
    "startup": "start-up",
}


def tables(content: Content) -> list[Table]:
    """Every table, in the order in which they are shown."""
    return [
        _machine(content),
        _nodes(content["nodes"]),
        _chain(content["chain"]),
        _own_nodes(content["own_nodes"]),
        _memory(content),
        _evaluation(content),
        _rerun(content["rerun"]),
        _training_input(content["training_input"]),
        _floors(content),
    ]


def _machine(content: Content) -> Table:
    machine, data = content["machine"], content["data"]
    rows = [
        ("cores", str(machine["cores"])),
        ("processor", machine["processor"]),
        ("memory", f"{machine['memory_gib']:g} GiB"),
        ("system", machine["system"]),
        ("python", machine["python"]),
        *machine["versions"].items(),
        ("data", f"{data['problem']}, {data['rows']:,} rows, {data['bytes'] / 1e6:.1f} MB of CSV"),
        ("pairs", str(content["pairs"])),
    ]
    return Table("Machine and data", ("what", "value"), tuple(rows), words=(0, 1))


def _nodes(nodes: Content) -> Table:
    rows = [
        (node, *_ratio_cells(entry), number(entry["in_turn_s"], ".1f"), number(entry["in_turn_ratio"], ".1f"))
        for node, entry in nodes.items()
    ]
    head = ("node", "stock", "ours", "ratio", "of pairs", "ours in turn", "ratio")
    return Table("Nodes of both sides, median seconds", head, tuple(rows))


def _chain(chain: Content) -> Table:
    rows = [(name, *_ratio_cells(chain[key] if key else chain)) for key, name in _CHAIN.items()]
    return Table("Chain, median seconds", ("what", "stock", "ours", "ratio", "of pairs"), tuple(rows))


def _ratio_cells(entry: Content) -> tuple[str, str, str, str]:
    return (
        number(entry["stock_s"], ".1f"),
        number(entry["ours_s"], ".1f"),
        number(entry["ratio"], ".1f"),
        f"{number(entry['ratio_low'], '.1f')} to {number(entry['ratio_high'], '.1f')}",
    )


def _own_nodes(nodes: Content) -> Table:
    rows = [(node, number(entry["ours_s"], ".1f"), number(entry["ours_mb"], ",.0f")) for node, entry in nodes.items()]
    return Table("Nodes that stock TFX has not", ("node", "median seconds", "peak MiB"), tuple(rows))


def _memory(content: Content) -> Table:
    entries = {**content["nodes"], "whole process tree": content["chain"]}
    rows = [
        (
            node,
            number(entry["stock_mb"], ",.0f"),
            number(entry["ours_mb"], ",.0f"),
            number(entry.get("ours_recorded_mb"), ",.0f"),
        )
        for node, entry in entries.items()
    ]
    head = ("node", "stock", "ours", "ours by run.json")
    return Table("Peak memory of the process tree, MiB", head, tuple(rows))


def _evaluation(content: Content) -> Table:
    auc, same = content["auc"], content["same_model"]
    rows = [
        (name, number(entry["stock"], ".6f"), number(entry["ours"], ".6f"), _difference(entry))
        for name, entry in content["evaluation"].items()
    ]
    rows.append(("auc, median of pairs", number(auc["stock"], ".6f"), number(auc["ours"], ".6f"), _difference(auc)))
    largest = f"one model, largest of {same['numbers']:,} differences"
    rows.append((largest, "", "", number(same["largest_difference"], ".2g")))
    title = "Evaluation on the test split: two models, then one model by both Evaluators"
    return Table(title, ("figure", "stock", "ours", "difference"), tuple(rows))


def _difference(entry: Content) -> str:
    return number(entry["ours"] - entry["stock"], "+.6f")


def _rerun(rerun: Content) -> Table:
    rows = [
        ("process", number(rerun["process_s"], ".1f")),
        ("of which start-up", number(rerun["startup_s"], ".1f")),
        ("nodes that ran anew", ", ".join(rerun["ran"]) or "none"),
    ]
    return Table("Unchanged run again, seconds", ("what", "value"), tuple(rows))


def _training_input(speed: Content) -> Table:
    rows = [
        ("input alone, first epoch", number(speed["first"], ",.0f")),
        ("input alone, later", number(speed["input"], ",.0f")),
        ("train step alone", number(speed["step"], ",.0f")),
        ("input over step", number(speed["input_over_step"], ".1f")),
    ]
    return Table("Training input, rows a second", ("what", "value"), tuple(rows))


def _floors(content: Content) -> Table:
    rows = [
        (
            node,
            number(content["nodes"][node]["ours_s"], ".1f"),
            number(floor["seconds"], ".1f"),
            number(content["nodes"][node]["ours_s"] / floor["seconds"], ".1f"),
            floor["of"],
        )
        for node, floor in content["floors"].items()
        if node in content["nodes"]
    ]
    title = "Where the time still goes: each node against its floor, seconds"
    return Table(title, ("node", "ours", "floor", "times", "the floor is"), tuple(rows), words=(0, 4))


def chart(content: Content) -> str:
    """The nodes of both sides and the chain, as SVG."""
    machine, data = content["machine"], content["data"]
    bars = [Bars(node, entry["stock_s"], entry["ours_s"]) for node, entry in content["nodes"].items()]
    bars.append(Bars("start to Pusher's end", content["chain"]["stock_s"], content["chain"]["ours_s"]))
    repeated = f"median of {content['pairs']} pairs" if content["pairs"] > 1 else "one pair"
    subtitle = f"{data['rows']:,} rows, {machine['cores']} cores, {repeated}"
    return svg("Stock TFX and this project, side by side", subtitle, bars)
