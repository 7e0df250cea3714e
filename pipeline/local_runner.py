"""Runs the graph's IR node by node in this process, and says of each node what became of it."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from ml_metadata.proto import metadata_store_pb2
from tfx.dsl.compiler import compiler, constants
from tfx.orchestration import metadata
from tfx.orchestration.local import runner_utils
from tfx.orchestration.portable import launcher, partial_run_utils, runtime_parameter_utils
from tfx.proto.orchestration import pipeline_pb2

from schema.errors import InputError

_RESOLVER = "tfx.dsl.components.common.resolver.Resolver"


class Status(StrEnum):
    """What became of a node."""

    RAN = "ran"
    CACHED = "cached"
    SKIPPED = "skipped"
    FAILED = "failed"


@dataclass(frozen=True)
class NodeResult:
    """One node of a run; seconds of wall time."""

    id: str
    status: Status
    seconds: float


class NodeError(Exception):
    """A node failed; the cause is chained."""

    def __init__(self, node: str, results: list[NodeResult]) -> None:
        super().__init__(node)
        self.node, self.results = node, results


Progress = Callable[[str, NodeResult | None], None]


def compile_graph(pipeline: Any) -> pipeline_pb2.Pipeline:
    """TFX's intermediate representation of a pipeline."""
    ir: pipeline_pb2.Pipeline = compiler.Compiler().compile(pipeline)
    return ir


def node_ids(ir: pipeline_pb2.Pipeline) -> list[str]:
    """Ids of the nodes in the order in which they run."""
    return [node.pipeline_node.node_info.id for node in ir.nodes]


class LocalRunner:
    """What LocalDagRunner does, with results a node and a choice of nodes."""

    def __init__(self, ir: pipeline_pb2.Pipeline, run_id: str) -> None:
        self._ir, self.run_id = ir, run_id
        runtime_parameter_utils.substitute_runtime_parameter(ir, {constants.PIPELINE_RUN_ID_PARAMETER_NAME: run_id})
        self._deployment = runner_utils.extract_local_deployment_config(ir)
        config = self._deployment.metadata_connection_config
        self.connection = getattr(config, config.WhichOneof("connection_config"))
        nodes = [node.pipeline_node.node_info for node in ir.nodes]
        self._resolvers = {info.id for info in nodes if info.type.name == _RESOLVER}

    def choose(self, first: str | None, last: str | None) -> str | None:
        """Keeps the nodes from `first` and up to `last`; what they need of earlier nodes comes from an earlier run.

        Returns:
            The id of that run; None if nothing is needed.

        Raises:
            InputError: if no earlier run has all of it.
        """
        partial_run_utils.mark_pipeline(
            self._ir, from_nodes=[first] if first else None, to_nodes=[last] if last else None
        )
        nodes = [node.pipeline_node for node in self._ir.nodes]
        required = pipeline_pb2.NodeExecutionOptions.Skip.REQUIRED
        needed = [n.node_info.id for n in nodes if n.execution_options.skip.reuse_artifacts_mode == required]
        if not needed:
            return None
        base = self._base_run(needed)
        self._ir.runtime_spec.snapshot_settings.base_pipeline_run_strategy.base_run_id = base
        return base

    def _base_run(self, needed: list[str]) -> str:
        """The newest earlier run in which all these nodes succeeded."""
        with metadata.Metadata(self.connection) as handle:
            runs = sorted(handle.store.get_contexts_by_type("pipeline_run"), key=lambda run: -run.id)
            done = {node: self._succeeded(handle.store, node) for node in needed}
            for run in runs:
                executions = {execution.id for execution in handle.store.get_executions_by_context(run.id)}
                if all(done[node] & executions for node in needed):
                    return str(run.name)
        raise InputError(
            f"no earlier run in this output folder has done {', '.join(needed)}. Run the whole pipeline first."
        )

    def _succeeded(self, store: Any, node: str) -> set[int]:
        context = store.get_context_by_type_and_name("node", f"{self._ir.pipeline_info.id}.{node}")
        executions = store.get_executions_by_context(context.id) if context else []
        good = (metadata_store_pb2.Execution.COMPLETE, metadata_store_pb2.Execution.CACHED)
        return {execution.id for execution in executions if execution.last_known_state in good}

    def run(self, progress: Progress) -> list[NodeResult]:
        """Runs every node in order; `progress` hears of each as it begins (None) and ends.

        Raises:
            NodeError: from the first node that fails.
        """
        results: list[NodeResult] = []
        for node in self._ir.nodes:
            spec = node.pipeline_node
            started = time.monotonic()
            progress(spec.node_info.id, None)
            try:
                status = self._launch(spec)
            except (Exception, KeyboardInterrupt) as error:
                seconds = time.monotonic() - started
                results.append(NodeResult(spec.node_info.id, Status.FAILED, seconds))
                progress(spec.node_info.id, results[-1])
                raise NodeError(spec.node_info.id, results) from error
            results.append(NodeResult(spec.node_info.id, status, time.monotonic() - started))
            progress(spec.node_info.id, results[-1])
        return results

    def _launch(self, spec: Any) -> Status:
        node = spec.node_info.id
        if spec.execution_options.HasField("skip"):
            return Status.SKIPPED
        if spec.execution_options.run.perform_snapshot:
            with metadata.Metadata(self.connection) as handle:
                partial_run_utils.snapshot(handle, self._ir)
        launcher.Launcher(
            pipeline_node=spec,
            mlmd_connection=metadata.Metadata(self.connection),
            pipeline_info=self._ir.pipeline_info,
            pipeline_runtime_spec=self._ir.runtime_spec,
            executor_spec=runner_utils.extract_executor_spec(self._deployment, node),
            custom_driver_spec=runner_utils.extract_custom_driver_spec(self._deployment, node),
        ).launch()
        return self._status(node)

    def _status(self, node: str) -> Status:
        with metadata.Metadata(self.connection) as handle:
            earlier, own = self._executions(handle.store, node)
            if not own:
                return Status.SKIPPED
            if own[-1].last_known_state == metadata_store_pb2.Execution.CACHED:
                return Status.CACHED
            # TFX asks a resolver anew each time; what counts is whether it answered as before.
            if node in self._resolvers and earlier:
                answers = [_answer(handle.store, execution) for execution in (earlier[-1], own[-1])]
                return Status.CACHED if answers[0] == answers[1] else Status.RAN
        return Status.RAN

    def _executions(self, store: Any, node: str) -> tuple[list[Any], list[Any]]:
        """The node's executions in earlier runs, and those in this one, each in order."""
        of_run = store.get_context_by_type_and_name("pipeline_run", self.run_id)
        of_node = store.get_context_by_type_and_name("node", f"{self._ir.pipeline_info.id}.{node}")
        if of_run is None or of_node is None:
            return [], []
        own = {execution.id for execution in store.get_executions_by_context(of_run.id)}
        every = sorted(store.get_executions_by_context(of_node.id), key=lambda execution: execution.id)
        return [e for e in every if e.id not in own], [e for e in every if e.id in own]

    def outputs(self) -> dict[tuple[str, str], str]:
        """URIs of this run's artifacts, cached ones included, by (node id, output key)."""
        root = f"{self._ir.runtime_spec.pipeline_root.field_value.string_value}/"
        found: dict[tuple[str, str], tuple[int, str]] = {}
        with metadata.Metadata(self.connection) as handle:
            context = handle.store.get_context_by_type_and_name("pipeline_run", self.run_id)
            artifacts = handle.store.get_artifacts_by_context(context.id) if context else []
        for artifact in artifacts:
            parts = artifact.uri.removeprefix(root).split("/")
            key = (parts[0], parts[1]) if len(parts) > 1 else (parts[0], "")
            found[key] = max(found.get(key, (0, "")), (artifact.id, artifact.uri))
        return {key: uri for key, (_, uri) in found.items()}


def _answer(store: Any, execution: Any) -> set[int]:
    """Ids of the artifacts that an execution gave."""
    outputs = (metadata_store_pb2.Event.OUTPUT, metadata_store_pb2.Event.INTERNAL_OUTPUT)
    events = store.get_events_by_execution_ids([execution.id])
    return {event.artifact_id for event in events if event.type in outputs}
