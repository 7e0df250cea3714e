"""What `make bench` measures: pairs of runs, one more run unchanged, one model twice evaluated, speeds and floors."""

import argparse
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks import machine, pairs, runs
from benchmarks.command import say
from benchmarks.data import Written, write_data
from benchmarks.node_floors import node_floors
from benchmarks.pairs import Pair
from benchmarks.side import Side, artifact, finite, read_ours, read_record, read_stock
from benchmarks.stock.coverage import check
from models.training.schedule import course
from pipeline.config.pipeline_config import Config, load_config

FOLDER = "bench"
ONE_AFTER_ANOTHER = "local.parallel_nodes=1"


@dataclass(frozen=True)
class Bench:
    """One benchmark: its config, its data, what both sides are told, and the folder that everything lies in."""

    config: Config
    data: Written
    flags: runs.Flags
    folder: Path

    def output(self, side: str, repetition: int) -> Path:
        """The output folder of one run of one side."""
        return self.folder / f"{side}-{repetition}"

    def log(self, name: str) -> Path:
        """The file that a process's output goes to."""
        return self.folder / "logs" / f"{name}.log"


def prepare(chosen: argparse.Namespace, times: int = 1) -> Bench:
    """The benchmark of the command line, with its data written, the problem's rows `times` over.

    Raises:
        InputError: if a flag is wrong, or the problem is none that the stock side covers.
    """
    plain = load_config(chosen.problem, output=chosen.output, data=chosen.data, sets=chosen.sets)
    sets = (*runs.even_sets(plain, chosen.rows is not None), *chosen.sets)
    config = load_config(chosen.problem, output=chosen.output, data=chosen.data, sets=sets)
    check(config)
    folder = config.output / FOLDER
    data = write_data(config, folder / "data", times, chosen.rows)
    return Bench(config, data, runs.Flags(chosen.problem, data.folder, sets), folder)


def repeat(bench: Bench, repetitions: int) -> list[Pair]:
    """Runs the pairs; the sides take turns in going first, so that neither always finds the files in memory."""
    found = []
    for repetition in range(1, repetitions + 1):
        sides: dict[str, Callable[[], Side]] = {
            "stock": partial(_stock, bench, repetition),
            "ours": partial(_ours, bench, repetition),
        }
        order = list(sides) if repetition % 2 else list(reversed(sides))
        costs = {side: _told(f"pair {repetition} of {repetitions}, {side}", sides[side]) for side in order}
        found.append(Pair(costs["stock"], costs["ours"]))
    return found


def _stock(bench: Bench, repetition: int) -> Side:
    output = bench.output("stock", repetition)
    return read_stock(runs.run_stock(bench.flags, output, bench.log(output.name)), output)


def _ours(bench: Bench, repetition: int) -> Side:
    output = bench.output("ours", repetition)
    return read_ours(runs.run_ours(bench.flags, output, bench.log(output.name)), output)


def _told(what: str, work: Callable[[], Side]) -> Side:
    say(f"{what} ...", end="")
    side = work()
    say(f" {side.process:.0f} s")
    return side


def one_after_another(bench: Bench) -> Side:
    """A run of ours whose nodes do not overlap, so that what a node takes is its own work alone."""
    output = bench.folder / "ours-in-turn"
    flags = replace(bench.flags, sets=(*bench.flags.sets, ONE_AFTER_ANOTHER))
    return read_ours(runs.run_ours(flags, output, bench.log(output.name)), output)


def rerun(bench: Bench, repetition: int) -> dict[str, Any]:
    """The same command once more in the output folder of a run of ours: nothing has changed."""
    output = bench.output("ours", repetition)
    finished = runs.run_ours(bench.flags, output, bench.log("rerun"), again=True)
    record = read_record(output)
    ran = [node["id"] for node in record["nodes"] if node["status"] not in ("cached", "skipped")]
    return {"process_s": finished.seconds, "startup_s": record.get("startup_seconds"), "ran": ran}


def figures(bench: Bench, repetitions: int) -> dict[str, Any]:
    """What benchmarks.figures finds, once the stock Evaluator has evaluated the model of our last run."""
    ours = bench.output("ours", repetitions)
    model, examples = artifact(ours, "Trainer", "model"), artifact(ours, "ExampleGen", "examples")
    again = bench.folder / "same-model"
    runs.run_stock_evaluation(bench.flags, model, examples, again, bench.log("same-model"))
    arguments = ["--again", str(again)]
    for side in ("stock", "ours"):
        arguments += [f"--{side}", *(str(bench.output(side, number + 1)) for number in range(repetitions))]
    return _measured(bench, "figures", arguments)


def speeds(bench: Bench, repetitions: int) -> dict[str, Any]:
    """Training input against train step, and the floor of each node."""
    output = bench.output("ours", repetitions)
    sets = [text for value in bench.flags.sets for text in ("--set", value)]
    shared = ["--problem", bench.flags.problem, "--output", str(output)]
    speed = _measured(bench, "training_input", [*shared, *sets])
    steps = _measured(bench, "floors", [*shared, "--data", str(bench.data.folder)])
    rows = read_record(output)["rows"]["train"]
    plan = course(bench.config.problem.network, rows)
    train_steps = rows // min(plan.batch_size, rows) * plan.epochs
    known = node_floors(steps, speed["step_s"], train_steps)
    floors = {node: {"seconds": seconds, "of": made_of} for node, (seconds, made_of) in known.items()}
    return {"training_input": speed, "floors": floors}


def _measured(bench: Bench, name: str, arguments: list[str]) -> dict[str, Any]:
    result = bench.folder / f"{name}.json"
    runs.run_module(f"benchmarks.{name}", [*arguments, "--result", str(result)], bench.log(name))
    content: dict[str, Any] = json.loads(result.read_text(encoding="utf-8"))
    return content


def measure(bench: Bench, repetitions: int) -> dict[str, Any]:
    """Everything, as bench.json has it."""
    repeated = repeat(bench, repetitions)
    in_turn = _told("ours, its nodes one after another", partial(one_after_another, bench))
    content: dict[str, Any] = {
        "nodes": pairs.nodes_content(repeated, in_turn),
        "chain": {**pairs.chain_content(repeated), "in_turn_s": in_turn.chain},
        "own_nodes": pairs.own_nodes(repeated),
        "machine": asdict(machine.describe()),
        "data": {"problem": bench.config.problem.name, "rows": bench.data.rows, "bytes": bench.data.bytes},
        "pairs": repetitions,
        "sets": list(bench.flags.sets),
    }
    say("one model by both Evaluators ...")
    content |= figures(bench, repetitions)
    say("training input and floors ...")
    content |= speeds(bench, repetitions)
    # Last: where a source was edited meanwhile, this leaves artifacts newer than those of the pair.
    say("the last run of ours again, unchanged ...")
    content["rerun"] = rerun(bench, repetitions)
    written: dict[str, Any] = finite(content)
    return written
