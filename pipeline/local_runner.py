"""Runs the graph's IR node by node in this process, and says of each node what became of it."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from ml_metadata.proto import metadata_store_pb2
from tfx.dsl.compiler import compiler, constants
from tfx.orchestration import metadata
from tfx.orchestration.local import runner_utils
from tfx.orchestration.portable import launcher, partial_run_utils, runtime_parameter_utils
from tfx.proto.orchestration import pipeline_pb2


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

    def choose(self, first: str | None, last: str | None) -> None:
        """Keeps the nodes from `first` and up to `last`; what they need of earlier nodes comes from the last run."""
        partial_run_utils.mark_pipeline(
            self._ir, from_nodes=[first] if first else None, to_nodes=[last] if last else None
        )

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
            except BaseException as error:
                seconds = time.monotonic() - started
                results.append(NodeResult(spec.node_info.id, Status.FAILED, seconds))
                progress(spec.node_info.id, results[-1])
                if isinstance(error, Exception):
                    raise NodeError(spec.node_info.id, results) from error
                raise
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
        return self._status(spec.node_info.type.name)

    def _status(self, type_name: str) -> Status:
        with metadata.Metadata(self.connection) as handle:
            types = {kind.id: kind.name for kind in handle.store.get_execution_types()}
            states = [e.last_known_state for e in self._executions(handle) if types[e.type_id] == type_name]
        if not states:
            return Status.SKIPPED
        return Status.CACHED if states[-1] == metadata_store_pb2.Execution.CACHED else Status.RAN

    def _executions(self, handle: Any) -> Iterator[Any]:
        context = handle.store.get_context_by_type_and_name("pipeline_run", self.run_id)
        if context is not None:
            yield from handle.store.get_executions_by_context(context.id)

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
