"""A released version traced through the metadata store to the data and the code that made it."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ml_metadata.metadata_store.metadata_store import MetadataStore as Store
from ml_metadata.proto import metadata_store_pb2

from components.release_store import current
from pipeline.metadata_connection import check_server, one_line, open_store
from pipeline.metadata_store import MetadataStore
from reports.provenance import Span, Step
from reports.run import Run, all_runs
from reports.views.provenance import Provenance
from schema.errors import InputError

_OUTPUTS = (metadata_store_pb2.Event.OUTPUT,)
_INPUTS = (metadata_store_pb2.Event.INPUT, metadata_store_pb2.Event.DECLARED_INPUT)
# Made by another model's history, and part of this one's verdict alone.
_BASELINE = "baseline_model"
_FINGERPRINT = "input_fingerprint"


def trace(output: Path, problem: str, version: int | None = None) -> Provenance:
    """Everything that a released version stands on, from the metadata store of the runs that made it.

    Args:
        output: the --output of the runs.
        problem: the pipeline's name, as in run.json; the folder below `pushed`.
        version: its number; the current one when left out.

    Raises:
        InputError: if nothing was released, if no store of the output folder knows the version, or if one cannot be
            asked.
    """
    now = current(output / "pushed" / problem)
    wanted = now if version is None else version
    if wanted is None:
        raise InputError(f"{output}: no version of {problem} has been released")
    asked = []
    for settings in _stores(output, problem):
        store = _open(settings, output)
        pushed = _pushed(store, settings, output / "pushed" / problem / str(wanted))
        if pushed is not None:
            steps, spans = _Trace(store).upstream(pushed)
            return Provenance(problem, wanted, wanted == now, settings.where, steps, spans)
        asked.append(settings.where)
    raise InputError(
        f"no run of {output} pushed version {wanted} of {problem}: it was copied from elsewhere, or the metadata were "
        f"removed. Asked: {', '.join(asked)}"
    )


def _stores(output: Path, problem: str) -> list[MetadataStore]:
    """The stores that runs of the problem wrote to, the newest run's first."""
    found: list[MetadataStore] = []
    for run in reversed(list(all_runs(output))):
        if run.record.get("problem", problem) != problem:
            continue
        settings = _settings_of(run)
        if settings not in found:
            found.append(settings)
    return found or [MetadataStore()]


def _settings_of(run: Run) -> MetadataStore:
    given = run.config.get("environment", {}).get("metadata", {})
    # The record has every key, and a file in the output folder takes none.
    if given.get("store", "sqlite") == "sqlite":
        return MetadataStore()
    return MetadataStore.from_mapping(given, f"run {run.id}: config.json: environment.metadata")


def _open(settings: MetadataStore, output: Path) -> Store:
    try:
        if settings.is_server:
            check_server(settings)
            return open_store(settings)
        path = output / "metadata.sqlite"
        if not path.is_file():
            raise InputError(f"{path}: there is no such file")
        config = metadata_store_pb2.ConnectionConfig()
        config.sqlite.filename_uri = str(path)
        config.sqlite.connection_mode = metadata_store_pb2.SqliteMetadataSourceConfig.READONLY
        return Store(config)
    except RuntimeError as error:
        raise InputError(f"metadata: {settings.where}: {one_line(str(error))}") from error


def _pushed(store: Store, settings: MetadataStore, folder: Path) -> Any | None:
    """The PushedModel of a version's folder."""
    for artifact in store.get_artifacts_by_type("PushedModel"):
        told = Path(artifact.custom_properties["pushed_destination"].string_value)
        # A server has the versions of other folders as well. A file has those of its own folder, wherever that was.
        of_this = told.resolve() == folder.resolve() if settings.is_server else told.parts[-2:] == folder.parts[-2:]
        if of_this:
            return artifact
    return None


@dataclass
class _Trace:
    """Executions and artifacts that were reached, by their ids."""

    store: Store
    executions: dict[int, Any] = field(default_factory=dict)
    artifacts: dict[int, Any] = field(default_factory=dict)
    makers: dict[int, int] = field(default_factory=dict)
    inputs: dict[int, dict[str, list[int]]] = field(default_factory=dict)
    again: dict[int, set[int]] = field(default_factory=dict)

    def upstream(self, pushed: Any) -> tuple[list[Step], list[Span]]:
        """The steps that lead to an artifact, each after those it stands on, and the spans they read."""
        self._reach(pushed.id)
        chosen = [self.executions[number] for number in sorted(self.executions)]
        names = dict(self._names(chosen))
        steps = [self._step(execution, names) for execution in chosen]
        return steps, list(self._spans(chosen))

    def _reach(self, first: int) -> None:
        waiting = [first]
        while waiting:
            artifact = waiting.pop()
            if artifact in self.makers:
                continue
            maker = self._maker(artifact)
            if maker is None:
                continue
            self.makers[artifact] = maker
            if maker not in self.inputs:
                self.inputs[maker] = self._inputs(maker)
            waiting += [one for key, ids in self.inputs[maker].items() if key != _BASELINE for one in ids]

    def _maker(self, artifact: int) -> int | None:
        """The execution that made an artifact; those that took it from the cache have it as an output as well."""
        events = self.store.get_events_by_artifact_ids([artifact])
        ids = {event.execution_id for event in events if event.type in _OUTPUTS}
        found = {one.id: one for one in self.store.get_executions_by_id(sorted(ids))} if ids else {}
        made = [
            number
            for number in sorted(found)
            if found[number].last_known_state == metadata_store_pb2.Execution.COMPLETE
        ]
        if not made:
            return None
        self.executions[made[0]] = found[made[0]]
        self.again.setdefault(made[0], set()).update(set(found) - {made[0]})
        return int(made[0])

    def _inputs(self, execution: int) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {}
        for event in self.store.get_events_by_execution_ids([execution]):
            if event.type in _INPUTS:
                key = next((step.key for step in event.path.steps if step.key), "")
                found.setdefault(key, []).append(event.artifact_id)
        return found

    def _names(self, executions: Iterable[Any]) -> Iterator[tuple[int, str]]:
        taken: set[str] = set()
        # The newest has the node's bare name.
        for execution in sorted(executions, key=lambda one: -one.id):
            node = self._context(execution, "node").rpartition(".")[2]
            yield execution.id, node if node not in taken else f"{node} of {self._context(execution, 'pipeline_run')}"
            taken.add(node)

    def _context(self, execution: Any, kind: str) -> str:
        contexts = self.store.get_contexts_by_execution(execution.id)
        return next((str(one.name) for one in contexts if one.type == kind), "")

    def _step(self, execution: Any, names: Mapping[int, str]) -> Step:
        settings = dict(_settings(execution))
        inputs = self.inputs[execution.id]
        makers = {self.makers[one] for ids in inputs.values() for one in ids if one in self.makers}
        again = sorted(self._context(one, "pipeline_run") for one in self._executions(self.again[execution.id]))
        compared = self._uris(inputs.get(_BASELINE, []))
        return Step(
            name=names[execution.id],
            run_id=self._context(execution, "pipeline_run"),
            seconds=(execution.last_update_time_since_epoch - execution.create_time_since_epoch) / 1000,
            source=_source(settings),
            settings=settings,
            upstream=tuple(names[one] for one in sorted(makers)),
            made=self._made(execution.id),
            used_again=tuple(again),
            baseline=", ".join(compared),
        )

    def _executions(self, ids: set[int]) -> list[Any]:
        return list(self.store.get_executions_by_id(sorted(ids))) if ids else []

    def _uris(self, ids: list[int]) -> list[str]:
        return [artifact.uri for artifact in self.store.get_artifacts_by_id(ids)] if ids else []

    def _made(self, execution: int) -> dict[str, str]:
        ids = [artifact for artifact, maker in self.makers.items() if maker == execution]
        uris = self._uris(sorted(ids))
        return {uri.rstrip("/").split("/")[-2]: uri for uri in uris}

    def _spans(self, executions: Iterable[Any]) -> Iterator[Span]:
        told = {part for execution in executions for part in _text(execution, _FINGERPRINT).split(",") if ":" in part}
        for part in sorted(told, key=lambda one: (int(one.partition(":")[0]), one)):
            number, _, content = part.partition(":")
            yield Span(int(number), content)


def _settings(execution: Any) -> Iterator[tuple[str, str]]:
    for name, value in [*execution.properties.items(), *execution.custom_properties.items()]:
        # TFX keeps its own bookkeeping under such names.
        if not name.startswith("__"):
            yield name, str(getattr(value, value.WhichOneof("value") or "string_value"))


def _text(execution: Any, name: str) -> str:
    return str(execution.custom_properties[name].string_value) if name in execution.custom_properties else ""


def _source(settings: Mapping[str, str]) -> str:
    """The fingerprint that the graph gives each node of ours: a parameter, or an entry of TFX's custom_config."""
    if "fingerprint" in settings:
        return settings["fingerprint"]
    try:
        given = json.loads(settings.get("custom_config", "{}"))
    except ValueError:
        return ""
    return str(given.get("fingerprint", "")) if isinstance(given, Mapping) else ""
