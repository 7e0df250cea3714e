"""Executions in the metadata store, in plain terms; each function asks no more of the store than its API gives."""

import json
from datetime import UTC, datetime
from typing import Any

from ml_metadata.proto import metadata_store_pb2
from tfx.dsl.io import fileio
from tfx.orchestration import data_types_utils

from pipeline.metadata.cache_miss_reason import Given

SUCCEEDED = (metadata_store_pb2.Execution.COMPLETE, metadata_store_pb2.Execution.CACHED)
_OUTPUTS = (metadata_store_pb2.Event.OUTPUT, metadata_store_pb2.Event.INTERNAL_OUTPUT)
# What TFX keeps among the settings for itself.
_INTERNAL = "__"
# There it keeps why an execution failed, as JSON.
_RESULT = "__execution_result__"
_STATES = metadata_store_pb2.Execution.State
# A store on a server has a clock of its own.
_CLOCKS_DIFFER_MS = 5_000


def answer(store: Any, execution: Any) -> set[int]:
    """Ids of the artifacts that an execution gave."""
    events = store.get_events_by_execution_ids([execution.id])
    return {event.artifact_id for event in events if event.type in _OUTPUTS}


def maker(store: Any, execution: Any) -> Any:
    """The execution that made what this one gave: itself, or the one whose result it took.

    One that took a result was registered before TFX's driver had found out all that it was given.
    """
    events = store.get_events_by_artifact_ids(sorted(answer(store, execution)))
    made = [event.execution_id for event in events if event.type == metadata_store_pb2.Event.OUTPUT]
    if not made or min(made) == execution.id:
        return execution
    return store.get_executions_by_id([min(made)])[0]


def is_kept(store: Any, execution: Any) -> bool:
    """Whether everything that the execution gave is still there, and nothing of it was found damaged."""
    artifacts = store.get_artifacts_by_id(sorted(answer(store, execution)))
    live = metadata_store_pb2.Artifact.LIVE
    return all(artifact.state == live and fileio.exists(artifact.uri) for artifact in artifacts)


def are_live(store: Any, executions: set[int]) -> bool:
    """Whether nothing that these executions gave was pruned: on a server the rows stay, of artifacts that are gone."""
    events = store.get_events_by_execution_ids(sorted(executions))
    given = {event.artifact_id for event in events if event.type in _OUTPUTS}
    return all(found.state == metadata_store_pb2.Artifact.LIVE for found in store.get_artifacts_by_id(sorted(given)))


def run_of(store: Any, execution: Any) -> str:
    """The id of the run that the execution was part of first."""
    contexts = store.get_contexts_by_execution(execution.id)
    name: str = min((context.id, context.name) for context in contexts if context.type == "pipeline_run")[1]
    return name


def given_to(store: Any, execution: Any) -> Given:
    """What an execution in the store was given."""
    inputs: dict[str, dict[int, int]] = {}
    for event in store.get_events_by_execution_ids([execution.id]):
        if event.type == metadata_store_pb2.Event.INPUT:
            # One artifact that goes by several names has them one after the other: a key and a place of each.
            steps = iter(event.path.steps)
            for key, place in zip(steps, steps, strict=True):
                inputs.setdefault(key.key, {})[place.index] = event.artifact_id
    ordered = {key: [ids[place] for place in sorted(ids)] for key, ids in inputs.items()}
    return Given(_plain({**execution.properties, **execution.custom_properties}), ordered)


def given_now(info: Any) -> Given:
    """What the execution is given that TFX's launcher is about to begin, as the store will have it."""
    # TFX registers true and false as texts, and puts numbers in their place at the end.
    values = {name: int(value) if isinstance(value, bool) else value for name, value in info.exec_properties.items()}
    inputs = {key: [artifact.id for artifact in artifacts] for key, artifacts in info.input_dict.items()}
    return Given(_plain(data_types_utils.build_metadata_value_dict(values)), inputs)


def why_unfinished(store: Any, execution: Any) -> str:
    """Why an execution that the launcher returned from is no success, in a sentence fragment.

    TFX's launcher raises nothing where it cannot resolve a node's inputs: it registers a failed execution and returns.
    """
    state = _STATES.Name(execution.last_known_state).lower()
    told = [f"the metadata store says {state} of it"]
    lines = _message(execution).strip().splitlines()
    if lines:
        told.append(lines[-1].strip())
    return ". ".join([*told, *_clock(store, execution)])


def _message(execution: Any) -> str:
    """What TFX noted of the failure, a traceback; empty if it noted nothing."""
    text = execution.custom_properties[_RESULT].string_value if _RESULT in execution.custom_properties else ""
    return str(json.loads(text).get("resultMessage", "")) if text else ""


def _clock(store: Any, execution: Any) -> list[str]:
    """A sentence on the clock, if the store has executions that are later than this one was begun."""
    others = [other.create_time_since_epoch for other in store.get_executions() if other.id < execution.id]
    ahead = max(others, default=0) - execution.create_time_since_epoch
    if ahead <= _CLOCKS_DIFFER_MS:
        return []
    return [
        f"The clock was set back: the store has an execution of {_utc(max(others))}, and this one was begun at "
        f"{_utc(execution.create_time_since_epoch)}. Set the clock right and run again"
    ]


def _utc(milliseconds: int) -> str:
    return f"{datetime.fromtimestamp(milliseconds / 1000, UTC):%Y-%m-%d %H:%M:%S} UTC"


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    shown = {name: value for name, value in values.items() if not name.startswith(_INTERNAL)}
    return dict(data_types_utils.build_value_dict(shown))
