"""What the metadata store knows of a run and of those before it."""

from collections.abc import Callable, Mapping
from typing import Any

from ml_metadata.proto import metadata_store_pb2
from tfx.orchestration import metadata

from pipeline.local.node_result import Status
from pipeline.metadata.cache_miss_reason import Before, why_answered, why_cached, why_ran
from pipeline.metadata.executions import (
    SUCCEEDED,
    answer,
    are_live,
    given_now,
    given_to,
    is_kept,
    maker,
    run_of,
    why_unfinished,
)
from schema.errors import InputError, PipelineError

# What became of an execution that did not succeed; one that is still called running was killed.
_ATTEMPTS = {
    metadata_store_pb2.Execution.FAILED: "failed",
    metadata_store_pb2.Execution.NEW: "did not finish",
    metadata_store_pb2.Execution.RUNNING: "did not finish",
}


class RunHistory:
    """Asks the store; one that is shared between threads must be asked by one of them at a time.

    Args:
        open_store: gives a handle of the metadata store, to be entered.
        pipeline_id: the pipeline's name.
        run_id: the run that is under way.
    """

    def __init__(self, open_store: Callable[[], metadata.Metadata], pipeline_id: str, run_id: str) -> None:
        self._open_store, self._pipeline_id, self._run_id = open_store, pipeline_id, run_id

    def newest_with(self, needed: list[str]) -> str:
        """The newest earlier run in which all these nodes succeeded.

        Raises:
            InputError: if there is none.
        """
        with self._open_store() as handle:
            done = {node: self._succeeded(handle.store, node) for node in needed}
            for run in _runs_of(handle.store, done[needed[0]]):
                executions = {execution.id for execution in handle.store.get_executions_by_context(run.id)}
                own = [done[node] & executions for node in needed]
                if all(own) and are_live(handle.store, set().union(*own)):
                    return str(run.name)
        raise InputError(
            f"no earlier run in this output folder has done {', '.join(needed)}, or what it made has been pruned. "
            "Run the whole pipeline first."
        )

    def _succeeded(self, store: Any, node: str) -> set[int]:
        context = store.get_context_by_type_and_name("node", f"{self._pipeline_id}.{node}")
        executions = store.get_executions_by_context(context.id) if context else []
        return {execution.id for execution in executions if execution.last_known_state in SUCCEEDED}

    def why_ran(self, node: str, info: Any, producers: Mapping[str, str], *, caching: bool) -> str:
        """Why a node runs that is about to.

        Args:
            node: its id.
            info: TFX's ExecutionInfo of it.
            producers: the node that an input comes from, by the input's name.
            caching: whether an earlier result might have been taken.
        """
        with self._open_store() as handle:
            before = _before(handle.store, self._executions(handle.store, node)[0])
        return why_ran(given_now(info), before, producers, caching=caching)

    def newest_artifacts(self, node: str) -> list[Any]:
        """What the node's newest success in earlier runs gave; nothing if there is none."""
        with self._open_store() as handle:
            newest = _newest_success(self._executions(handle.store, node)[0])
            return [] if newest is None else handle.store.get_artifacts_by_id(sorted(answer(handle.store, newest)))

    def ended(self, node: str, *, resolver: bool) -> tuple[Status, str]:
        """What became of a node of this run, and why; no reason for one that ran or was skipped.

        Raises:
            PipelineError: if its execution is no success by the store, whatever the launcher made of it.
        """
        with self._open_store() as handle:
            earlier, own = self._executions(handle.store, node)
            if not own:
                return Status.SKIPPED, ""
            if own[-1].last_known_state not in SUCCEEDED:
                raise PipelineError(f"it did nothing: {why_unfinished(handle.store, own[-1])}")
            if own[-1].last_known_state == metadata_store_pb2.Execution.CACHED:
                return Status.CACHED, _why_cached(handle.store, own[-1], earlier)
            return _answered(handle.store, own[-1], earlier) if resolver else (Status.RAN, "")

    def _executions(self, store: Any, node: str) -> tuple[list[Any], list[Any]]:
        """The node's executions in earlier runs, and those in this one, each in order."""
        of_run = store.get_context_by_type_and_name("pipeline_run", self._run_id)
        of_node = store.get_context_by_type_and_name("node", f"{self._pipeline_id}.{node}")
        if of_node is None:
            return [], []
        # The run is not registered before its first node is launched.
        own = {execution.id for execution in store.get_executions_by_context(of_run.id)} if of_run else set()
        every = sorted(store.get_executions_by_context(of_node.id), key=lambda execution: execution.id)
        return [e for e in every if e.id not in own], [e for e in every if e.id in own]

    def outputs(self, root: str) -> dict[tuple[str, str], str]:
        """URIs of this run's whole artifacts below the root, cached ones included, by (node id, output key)."""
        found: dict[tuple[str, str], tuple[int, str]] = {}
        with self._open_store() as handle:
            context = handle.store.get_context_by_type_and_name("pipeline_run", self._run_id)
            artifacts = handle.store.get_artifacts_by_context(context.id) if context else []
        # What a failed node began is in the store too.
        for artifact in (found for found in artifacts if found.state == metadata_store_pb2.Artifact.LIVE):
            parts = artifact.uri.removeprefix(f"{root}/").split("/")
            key = (parts[0], parts[1]) if len(parts) > 1 else (parts[0], "")
            found[key] = max(found.get(key, (0, "")), (artifact.id, artifact.uri))
        return {key: uri for key, (_, uri) in found.items()}


def _runs_of(store: Any, executions: set[int]) -> list[Any]:
    """The runs that these executions are part of, newest first; those of other pipelines in the store are not asked."""
    contexts = [context for execution in executions for context in store.get_contexts_by_execution(execution)]
    runs = {context.id: context for context in contexts if context.type == "pipeline_run"}
    return [runs[number] for number in sorted(runs, reverse=True)]


def _before(store: Any, earlier: list[Any]) -> Before:
    newest = _newest_success(earlier)
    attempt = _ATTEMPTS.get(earlier[-1].last_known_state, "") if earlier else ""
    if newest is None:
        return Before(attempt=attempt)
    return Before(given_to(store, maker(store, newest)), is_kept(store, newest), attempt)


def _newest_success(executions: list[Any]) -> Any:
    return next((e for e in reversed(executions) if e.last_known_state in SUCCEEDED), None)


def _why_cached(store: Any, own: Any, earlier: list[Any]) -> str:
    newest = _newest_success(earlier)
    made = maker(store, own)
    return why_cached(run_of(store, made), newest=newest is not None and answer(store, newest) == answer(store, own))


def _answered(store: Any, own: Any, earlier: list[Any]) -> tuple[Status, str]:
    # TFX asks a resolver anew each time; what counts is whether it answered as before.
    newest = _newest_success(earlier)
    now, before = answer(store, own), answer(store, newest) if newest else None
    return Status.CACHED if now == before else Status.RAN, why_answered(now, before)
