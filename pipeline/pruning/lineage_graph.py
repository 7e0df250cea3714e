"""What a metadata store knows of the runs of one output folder, and what of it stands on what."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from ml_metadata.proto.metadata_store_pb2 import Artifact, Event, Execution, Value

from components.training.blessings import BLESSED, CURRENT_MODEL_ID, newest_blessed

_OUTPUTS = (Event.OUTPUT, Event.DECLARED_OUTPUT)
# Node, output key and number: the end of an artifact's URI, whatever folder it was made in.
_TAIL_PARTS = 3


@dataclass(frozen=True)
class RunRows:
    """One run: the pipeline's name without its token, the id of its context, and of what the context holds."""

    problem: str
    context: int
    executions: frozenset[int]
    artifacts: frozenset[int]


@dataclass(frozen=True)
class Standing:
    """Ids of executions and artifacts that stay."""

    executions: frozenset[int]
    artifacts: frozenset[int]


@dataclass(frozen=True)
class Ledger:
    """Everything, by id; runs by their run id; the artifacts of a node by problem and node id."""

    artifacts: Mapping[int, Any]
    executions: Mapping[int, Any]
    events: list[Any]
    runs: Mapping[str, RunRows]
    by_node: Mapping[tuple[str, str], frozenset[int]]

    def live(self) -> frozenset[int]:
        """The artifacts that were published, and have not been pruned."""
        return frozenset(number for number, found in self.artifacts.items() if found.state == Artifact.LIVE)

    def present(self) -> frozenset[int]:
        """The artifacts that have not been pruned; on a server the rows of those that have been stay."""
        return frozenset(number for number, found in self.artifacts.items() if found.state != Artifact.DELETED)

    def tail(self, artifact: int) -> str:
        """Where an artifact lies below the folder of the artifacts, as `Trainer/model/7`.

        By the end of its URI, since an output folder may have been moved since.
        """
        return "/".join(self.artifacts[artifact].uri.rstrip("/").split("/")[-_TAIL_PARTS:])

    def maker(self, artifact: int) -> str | None:
        """The run that made an artifact; None if it is gone."""
        runs = (self._runs.get(execution) for execution in self._makers.get(artifact, ()))
        return min((run for run in runs if run is not None), default=None)

    def standing(self, runs: Iterable[str], roots: Iterable[int] = ()) -> Standing:
        """All that these runs and artifacts are made of and from.

        An execution that stays keeps all that it took and gave: TFX's cache takes one without outputs for one that has
        none. The blessing of a model that stays stays with the execution that gave it, and not what was judged by: the
        next run finds its baseline by it.
        """
        kept_runs = [self.runs[run] for run in runs]
        executions = {number for rows in kept_runs for number in rows.executions}
        artifacts = {number for rows in kept_runs for number in rows.artifacts} | set(roots)
        touched, makers = self._touched, self._makers
        size = -1
        while size != len(executions) + len(artifacts):
            size = len(executions) + len(artifacts)
            artifacts |= {found for execution in executions for found in touched.get(execution, ())}
            executions |= {maker for artifact in artifacts for maker in makers.get(artifact, ())}
        blessings = {found for found in self._blessings() if self._judged(found) in artifacts}
        executions |= {maker for blessing in blessings for maker in makers.get(blessing, ())}
        return Standing(frozenset(executions), frozenset(artifacts | blessings))

    @cached_property
    def _runs(self) -> dict[int, str]:
        """The run of each execution."""
        return {execution: run for run, rows in self.runs.items() for execution in rows.executions}

    @cached_property
    def _touched(self) -> dict[int, set[int]]:
        """What each execution took and gave."""
        found: dict[int, set[int]] = {}
        for event in self.events:
            found.setdefault(event.execution_id, set()).add(event.artifact_id)
        return found

    @cached_property
    def _makers(self) -> dict[int, set[int]]:
        """The executions that computed each artifact; those that found it in the cache only if there is no other."""
        made: dict[int, set[int]] = {}
        for event in self.events:
            if event.type in _OUTPUTS:
                made.setdefault(event.artifact_id, set()).add(event.execution_id)
        cached = {number for number, found in self.executions.items() if found.last_known_state == Execution.CACHED}
        return {artifact: executions - cached or executions for artifact, executions in made.items()}

    def baseline(self, problem: str) -> tuple[int, int] | None:
        """The model that the next run is compared with, and its newest blessing; see components.training.baseline."""
        live = self.live()
        blessings = {self._judged(found): found for found in sorted(self._blessings(problem) & live)}
        model = newest_blessed(self.by_node.get((problem, "Trainer"), frozenset()) & live, blessings)
        return None if model is None else (model, blessings[model])

    def _blessings(self, problem: str | None = None) -> set[int]:
        """ReleaseGate's blessings of models, of one problem or of all."""
        verdicts = {
            verdict
            for (name, node), found in self.by_node.items()
            if node == "ReleaseGate" and problem in (None, name)
            for verdict in found
        }
        return {verdict for verdict in verdicts if _property(self.artifacts[verdict], BLESSED).int_value == 1}

    def _judged(self, blessing: int) -> int:
        return int(_property(self.artifacts[blessing], CURRENT_MODEL_ID).int_value)

    def pushed(self, releases: Path) -> dict[int, str]:
        """The artifacts of those versions that are still on disk below `releases`, with the version."""
        found = {}
        for (problem, node), artifacts in self.by_node.items():
            for artifact in artifacts & self.live() if node == "Pusher" else ():
                version = _property(self.artifacts[artifact], "pushed_version").string_value
                if version and (releases / problem / version).is_dir():
                    found[artifact] = version
        return found


def _property(artifact: Any, name: str) -> Any:
    return artifact.custom_properties.get(name, Value())


def read_ledger(store: Any, token: str = "") -> Ledger:
    """Everything that the store knows of the pipelines whose names end in `-token`, or of all if that is empty.

    Args:
        store: ml-metadata's.
        token: of an output folder, see folder_identity; on a server others have theirs.
    """
    pipelines = {
        context.name.removesuffix(f"-{token}"): context
        for context in store.get_contexts_by_type("pipeline")
        if context.name.endswith(f"-{token}" if token else "")
    }
    artifacts = {a.id: a for context in pipelines.values() for a in store.get_artifacts_by_context(context.id)}
    executions = {e.id: e for context in pipelines.values() for e in store.get_executions_by_context(context.id)}
    events = list(store.get_events_by_execution_ids(list(executions))) if executions else []
    runs = {run: rows for problem, context in pipelines.items() for run, rows in _runs_of(store, problem, context)}
    return Ledger(artifacts, executions, events, runs, _by_node(store, pipelines))


def _runs_of(store: Any, problem: str, pipeline: Any) -> Iterator[tuple[str, RunRows]]:
    for run in store.get_children_contexts_by_context(pipeline.id):
        if run.type == "pipeline_run":
            executions, artifacts = store.get_executions_by_context(run.id), store.get_artifacts_by_context(run.id)
            yield run.name, RunRows(problem, run.id, _ids(executions), _ids(artifacts))


def _by_node(store: Any, pipelines: Mapping[str, Any]) -> dict[tuple[str, str], frozenset[int]]:
    problems = {context.name: problem for problem, context in pipelines.items()}
    found = {}
    for node in store.get_contexts_by_type("node"):
        pipeline, _, name = node.name.rpartition(".")
        if pipeline in problems:
            found[problems[pipeline], name] = _ids(store.get_artifacts_by_context(node.id))
    return found


def _ids(rows: Iterable[Any]) -> frozenset[int]:
    return frozenset(row.id for row in rows)
