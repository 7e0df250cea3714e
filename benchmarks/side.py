"""What one run of one side cost, read from what it left: the metadata store, run.json and the samples of its memory."""

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ml_metadata.metadata_store import metadata_store
from ml_metadata.proto import metadata_store_pb2

from benchmarks.process import Finished
from schema.errors import InputError

LAST = "Pusher"
# Nodes that TFX's template calls otherwise.
_STOCK_NAMES = {"CsvExampleGen": "ExampleGen", "latest_blessed_model_resolver": "Baseline"}
_MILLISECOND = 1e-3


@dataclass(frozen=True)
class Span:
    """When a node began and ended, in seconds since the epoch."""

    start: float
    end: float


@dataclass(frozen=True)
class NodeCost:
    """Seconds of a node, the memory of the process tree while it ran, and what run.json says of it; MiB."""

    seconds: float
    mebibytes: float
    recorded_mebibytes: float | None = None


@dataclass(frozen=True)
class Side:
    """One run.

    nodes: by our ids, in the order in which they began.
    startup: from the process's start to the first node.
    chain: from the process's start to the end of the last node, Pusher.
    process: from the process's start to its end.
    peak: memory of the whole process tree, in MiB.
    """

    nodes: dict[str, NodeCost]
    startup: float
    chain: float
    process: float
    peak: float


def read_stock(finished: Finished, output: Path) -> Side:
    """A run of stock TFX; a node's seconds are those between the creation of its execution and its last update.

    Raises:
        InputError: if it did not push.
    """
    spans = {_STOCK_NAMES.get(node, node): span for node, span in read_executions(output).items()}
    seconds = {node: span.end - span.start for node, span in spans.items()}
    return _side(finished, spans, seconds, {})


def read_ours(finished: Finished, output: Path) -> Side:
    """A run of ours; a node's seconds are those of run.json, which count the look into the metadata store as well.

    Raises:
        InputError: if it did not push.
    """
    nodes = {node["id"]: node for node in read_record(output)["nodes"]}
    spans = read_executions(output)
    # A node without an execution of its own, such as a resolver that found nothing, has no place in time.
    seconds = {node: float(nodes[node]["seconds"]) for node in spans}
    return _side(finished, spans, seconds, {node: nodes[node].get("peak_mb") for node in spans})


def _side(
    finished: Finished, spans: dict[str, Span], seconds: dict[str, float], recorded: dict[str, float | None]
) -> Side:
    if LAST not in spans:
        raise InputError(f"the run ended without {LAST}; its nodes were {', '.join(spans)}. Its log: {finished.log}")
    nodes = {
        node: NodeCost(seconds[node], finished.peak_between(span.start, span.end), recorded.get(node))
        for node, span in spans.items()
    }
    return Side(
        nodes=nodes,
        startup=min(span.start for span in spans.values()) - finished.started,
        chain=spans[LAST].end - finished.started,
        process=finished.seconds,
        peak=finished.peak,
    )


def read_record(output: Path) -> dict[str, Any]:
    """What run.json says of the output folder's latest run."""
    content: dict[str, Any] = json.loads((output / "runs" / "latest" / "run.json").read_text(encoding="utf-8"))
    return content


def read_executions(output: Path) -> dict[str, Span]:
    """Each node's latest execution in the output folder's metadata store, in the order in which they began."""
    config = metadata_store_pb2.ConnectionConfig()
    config.sqlite.filename_uri = str(output / "metadata.sqlite")
    config.sqlite.connection_mode = metadata_store_pb2.SqliteMetadataSourceConfig.READONLY
    store = metadata_store.MetadataStore(config)
    found = [_latest(store, context) for context in store.get_contexts_by_type("node")]
    return dict(sorted(filter(None, found), key=lambda entry: entry[1].start))


def _latest(store: Any, context: Any) -> tuple[str, Span] | None:
    executions = store.get_executions_by_context(context.id)
    if not executions:
        return None
    last = max(executions, key=lambda execution: execution.id)
    created, updated = last.create_time_since_epoch, last.last_update_time_since_epoch
    return context.name.rpartition(".")[2], Span(created * _MILLISECOND, updated * _MILLISECOND)


def artifact(output: Path, node: str, key: str) -> Path:
    """The folder of the newest artifact that a node wrote under a key.

    Raises:
        InputError: if there is none.
    """
    folder = output / "artifacts" / node / key
    found = sorted(folder.iterdir(), key=lambda path: int(path.name)) if folder.is_dir() else []
    if not found:
        raise InputError(f"{folder}: no artifact. Run the pipeline to its end first.")
    return found[-1]


def finite(value: Any) -> Any:
    """The value with None for each number that JSON does not know."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    return value
