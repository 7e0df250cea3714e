"""How the model was trained."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from reports.artifacts.training import best_epoch
from reports.render.html import Column, Table, words
from reports.render.parts import Part, Pictured, Tabulated, Topic
from reports.runs.run import Run
from schema.problem import Network
from schema.rounding import rounded

_STRATEGIES = {
    "none": "one device",
    "mirrored": "mirrored: the devices of one machine",
    "multi_worker_mirrored": "multi_worker_mirrored",
    "tpu": "tpu",
}


def training(run: Run) -> Topic:
    """Strategy, seed, epochs and the network's settings; curves in the page, if they were logged."""
    columns = [Column("setting", is_number=False), Column("value", is_number=False)]
    columns.append(Column("what it is", is_number=False, wraps=True))
    lines = [[words(name), words(value), words(told)] for name, value, told in (*_course(run), *_network(run))]
    parts: list[Part] = [Tabulated(Table("Training", columns, lines, sortable=False))]
    if run.has("Trainer.model_run"):
        parts.append(Pictured(run.training))
    return Topic("Training", "training", parts)


def _course(run: Run) -> Iterator[tuple[str, str, str]]:
    chosen = run.config["environment"]["training"]
    workers = chosen["workers"] or chosen["local_workers"]
    together = f" of {workers} workers" if workers else ""
    yield "strategy", _STRATEGIES[chosen["strategy"]] + together, "where it trained"
    yield "seed", str(chosen["seed"]), "of weights, shuffling and sampling"
    yield from _warm_start(run)
    yield from _comparison(run)
    if not run.has("Trainer.model_run"):
        return
    curves = run.training.curves
    ran = max((epoch for curve in curves for by_epoch in curve.splits.values() for epoch in by_epoch), default=0)
    kept = best_epoch(list(curves))
    if ran:
        yield "epochs run", str(ran), "passes over the training split"
    if kept is not None:
        yield "epoch kept", str(kept), "whose weights the model has: the lowest loss on the eval split"


def _warm_start(run: Run) -> Iterator[tuple[str, str, str]]:
    found = (run.record.get("training") or {}).get("warm_start")
    if found:
        reasons = "; ".join([*found["lost"], *found["new"], *found["shifted"]])
        taken = f"{found['taken']} of {found['tensors']} tensors taken over"
        yield "warm start", taken, f"from the model released before{': ' if reasons else ''}{reasons}"


def _comparison(run: Run) -> Iterator[tuple[str, str, str]]:
    found = (run.record.get("training") or {}).get("comparison")
    if not found:
        return
    told = f"{found['metric']} on {found['rows']:,} rows of the eval split; less is better"
    names = {"candidate": "this model", "linear": "a linear model", "constant": "a constant"}
    for key, name in names.items():
        yield f"error of {name}", rounded(found[key], ".4g"), told


def _network(run: Run) -> Iterator[tuple[str, str, str]]:
    tuned: Mapping[str, Any] = {}
    if run.has("Tuner.best_hyperparameters"):
        found = run.artifact("Tuner.best_hyperparameters") / "best_hyperparameters.txt"
        tuned = json.loads(found.read_text(encoding="utf-8")).get("values", {})
    record = run.record.get("training") or {}
    settings = {**run.config["problem"]["network"], **tuned}
    for name, field in Network.model_fields.items():
        value = settings[name]
        # null of a training whose record is not there, or is of before there was one.
        followed, value = value is None, record.get(name) if value is None else value
        mark = ", tuned" if name in tuned else ", by the number of rows" if followed and value is not None else ""
        yield name, _shown(value) + mark, (field.description or "").partition("; null")[0]


def _shown(value: Any) -> str:
    if value is None:
        return "follows the rows"
    return ", ".join(str(one) for one in value) if isinstance(value, list) else f"{value:g}"
