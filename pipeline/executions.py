"""Executions in the metadata store, in plain terms; each function asks no more of the store than its API gives."""

from typing import Any

from ml_metadata.proto import metadata_store_pb2
from tfx.dsl.io import fileio
from tfx.orchestration import data_types_utils

from pipeline.cause import Given

SUCCEEDED = (metadata_store_pb2.Execution.COMPLETE, metadata_store_pb2.Execution.CACHED)
_OUTPUTS = (metadata_store_pb2.Event.OUTPUT, metadata_store_pb2.Event.INTERNAL_OUTPUT)
# What TFX keeps among the settings for itself.
_INTERNAL = "__"


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


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    shown = {name: value for name, value in values.items() if not name.startswith(_INTERNAL)}
    return dict(data_types_utils.build_value_dict(shown))
