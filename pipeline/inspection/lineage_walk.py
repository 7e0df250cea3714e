"""What an artifact in the metadata store was made from, as steps and spans."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ml_metadata.proto import metadata_store_pb2

from reports.artifacts.provenance import Span, Step

# Another model, which a verdict compares with; how that one was made is its own history.
_BASELINE = "baseline_model"
_FINGERPRINT = "input_fingerprint"


def upstream(store: Any, artifact: int) -> tuple[list[Step], list[Span]]:
    """The executions that lead to an artifact, each after those it stands on, and the spans that they read.

    Args:
        store: ML Metadata's.
        artifact: its id there.
    """
    walk = _Walk(store)
    walk.reach(artifact)
    return walk.steps(), list(walk.spans())


class _Walk:
    """Executions by id, and by artifact's id the one that made it, as far as they were reached."""

    def __init__(self, store: Any) -> None:
        self._store = store
        self._executions: dict[int, Any] = {}
        self._inputs: dict[int, dict[str, list[int]]] = {}
        self._makers: dict[int, int] = {}
        self._again: dict[int, set[int]] = {}

    def reach(self, first: int) -> None:
        """Goes from an artifact to all that it stands on."""
        waiting, seen = [first], set[int]()
        while waiting:
            artifact = waiting.pop()
            if artifact not in seen:
                seen.add(artifact)
                waiting += self._taken_by_maker(artifact)

    def _taken_by_maker(self, artifact: int) -> list[int]:
        """Ids of the artifacts that the maker of this one took."""
        events = self._store.get_events_by_artifact_ids([artifact])
        ids = sorted({event.execution_id for event in events if event.type == metadata_store_pb2.Event.OUTPUT})
        given = self._store.get_executions_by_id(ids) if ids else []
        # Those that took it from the cache have it as their output as well.
        made = [one for one in given if one.last_known_state == metadata_store_pb2.Execution.COMPLETE]
        if not made:
            return []
        maker = min(made, key=lambda one: one.id)
        self._makers[artifact] = maker.id
        self._again.setdefault(maker.id, set()).update(one.id for one in given if one.id != maker.id)
        if maker.id not in self._executions:
            self._executions[maker.id] = maker
            self._inputs[maker.id] = self._taken(maker.id)
        return [one for key, taken in self._inputs[maker.id].items() if key != _BASELINE for one in taken]

    def _taken(self, execution: int) -> dict[str, list[int]]:
        """Ids of an execution's inputs by key; one artifact may go by several."""
        found: dict[str, list[int]] = {}
        for event in self._store.get_events_by_execution_ids([execution]):
            if event.type == metadata_store_pb2.Event.INPUT:
                for key in {step.key for step in event.path.steps if step.key}:
                    found.setdefault(key, []).append(event.artifact_id)
        return found

    def steps(self) -> list[Step]:
        """A step an execution, in their order."""
        chosen = [self._executions[number] for number in sorted(self._executions)]
        names = self._names(chosen)
        return [self._step(execution, names) for execution in chosen]

    def _names(self, executions: list[Any]) -> dict[int, str]:
        """The node of each, with its run where a newer execution of the node leads to the artifact as well."""
        names: dict[int, str] = {}
        for execution in reversed(executions):
            node = self._context(execution, "node").rpartition(".")[2]
            bare = node not in names.values()
            names[execution.id] = node if bare else f"{node} of {self._context(execution, 'pipeline_run')}"
        return names

    def _context(self, execution: Any, kind: str) -> str:
        """The first context of that type: an execution is part of later runs as well that went on from it."""
        contexts = self._store.get_contexts_by_execution(execution.id)
        return str(min(((one.id, one.name) for one in contexts if one.type == kind), default=(0, ""))[1])

    def _step(self, execution: Any, names: Mapping[int, str]) -> Step:
        settings, inputs = _settings(execution), self._inputs[execution.id]
        makers = {self._makers[one] for taken in inputs.values() for one in taken if one in self._makers}
        made = [artifact for artifact, maker in self._makers.items() if maker == execution.id]
        again = sorted(self._again[execution.id])
        later = self._store.get_executions_by_id(again) if again else []
        return Step(
            name=names[execution.id],
            run_id=self._context(execution, "pipeline_run"),
            seconds=(execution.last_update_time_since_epoch - execution.create_time_since_epoch) / 1000,
            source=_source(settings),
            settings=settings,
            upstream=tuple(names[one] for one in sorted(makers)),
            made=tuple(self._uris(made)),
            used_again=tuple(sorted(self._context(one, "pipeline_run") for one in later)),
            baseline=next(iter(self._uris(inputs.get(_BASELINE, []))), ""),
        )

    def _uris(self, artifacts: list[int]) -> list[str]:
        return [one.uri for one in self._store.get_artifacts_by_id(sorted(artifacts))] if artifacts else []

    def spans(self) -> Iterator[Span]:
        """The spans by number, as the executions that read them have them: `1:<digest>,2:<digest>`."""
        texts = (_settings(one).get(_FINGERPRINT, "") for one in self._executions.values())
        parts = (part.partition(":") for text in set(texts) for part in text.split(",") if part)
        found = {Span(int(number), content) for number, _, content in parts}
        yield from sorted(found, key=lambda span: (span.number, span.content))


def _settings(execution: Any) -> dict[str, str]:
    values: Iterable[tuple[str, Any]] = [*execution.properties.items(), *execution.custom_properties.items()]
    # TFX keeps its own bookkeeping under names that begin so.
    return {name: _text(value) for name, value in values if not name.startswith("__")}


def _text(value: Any) -> str:
    kind = value.WhichOneof("value")
    return str(getattr(value, kind)) if kind else ""


def _source(settings: Mapping[str, str]) -> str:
    """The fingerprint that the graph gives each node of ours: a setting, or an entry of TFX's custom_config."""
    if "fingerprint" in settings or "custom_config" not in settings:
        return settings.get("fingerprint", "")
    return str(json.loads(settings["custom_config"]).get("fingerprint", ""))
