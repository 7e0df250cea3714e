"""Runs the graph's IR in this process, and says of each node what became of it."""

import logging
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from tfx.dsl.compiler import compiler, constants
from tfx.orchestration import metadata
from tfx.orchestration.local import runner_utils
from tfx.orchestration.portable import partial_run_utils, runtime_parameter_utils
from tfx.proto.orchestration import executable_spec_pb2, pipeline_pb2

from pipeline.beam.remote_errors import as_raised
from pipeline.beam.runners import Engine, InProcess
from pipeline.local.artifact_checksums import ArtifactChecksums
from pipeline.local.launcher import EngineBeamOperator, MetadataTurn, NodeLauncher
from pipeline.local.node_result import NodeError, NodeResult, Outcome, Progress, Status
from pipeline.local.peak_memory import PeakMemory
from pipeline.local.run_history import RunHistory
from pipeline.local.scheduler import Overlap
from pipeline.local.skip_reason import why_skipped
from pipeline.metadata.cache_miss_reason import NOT_BEGUN, NOT_CHOSEN
from schema.errors import PipelineError
from schema.notices import collected_notices

_LOG = logging.getLogger(__name__)
_RESOLVER = "tfx.dsl.components.common.resolver.Resolver"


def compile_graph(pipeline: Any) -> pipeline_pb2.Pipeline:
    """TFX's intermediate representation of a pipeline."""
    ir: pipeline_pb2.Pipeline = compiler.Compiler().compile(pipeline)
    return ir


def upstream_nodes(ir: pipeline_pb2.Pipeline) -> dict[str, list[str]]:
    """What each node waits for; each node stands after those."""
    return {node.pipeline_node.node_info.id: list(node.pipeline_node.upstream_nodes) for node in ir.nodes}


class LocalRunner:
    """What LocalDagRunner does, with results a node, a choice of nodes, and several nodes at once.

    Args:
        ir: the graph.
        run_id: names the run in the metadata store.
        at_once: nodes that run at the same time, at most.
        engine: does the work of the Beam nodes; this process, when left out.
        open_store: makes a handle of the metadata store from the graph's connection, which has no password.
    """

    def __init__(
        self,
        ir: pipeline_pb2.Pipeline,
        run_id: str,
        *,
        at_once: int = 1,
        engine: Engine | None = None,
        open_store: Callable[[Any], metadata.Metadata] = metadata.Metadata,
    ) -> None:
        self._ir, self._at_once, self._engine = ir, at_once, engine or InProcess()
        runtime_parameter_utils.substitute_runtime_parameter(ir, {constants.PIPELINE_RUN_ID_PARAMETER_NAME: run_id})
        self._deployment = runner_utils.extract_local_deployment_config(ir)
        config = self._deployment.metadata_connection_config
        connection = getattr(config, config.WhichOneof("connection_config"))
        self._open_store = partial(open_store, connection)
        self._history = RunHistory(self._open_store, ir.pipeline_info.id, run_id)
        self._turn, self._checksums = MetadataTurn(), ArtifactChecksums()
        self._why: dict[str, str] = {}

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
        required = pipeline_pb2.NodeExecutionOptions.Skip.REQUIRED
        nodes = self._specs().values()
        needed = [n.node_info.id for n in nodes if n.execution_options.skip.reuse_artifacts_mode == required]
        if not needed:
            return None
        base = self._history.newest_with(needed)
        self._ir.runtime_spec.snapshot_settings.base_pipeline_run_strategy.base_run_id = base
        return base

    def run(self, progress: Progress) -> list[NodeResult]:
        """Runs every node after those it waits for; results in the order in which the nodes ended.

        Raises:
            NodeError: naming the first node that failed, or those that were interrupted.
        """
        specs = self._specs()
        upstream = {node: [name for name in spec.upstream_nodes if name in specs] for node, spec in specs.items()}
        with PeakMemory() as memory:
            work = partial(self._work, specs, memory)
            outcomes = Overlap(upstream, self._at_once, work, progress).run(self._stop)
        return _results([self._explained(outcome) for outcome in outcomes])

    def _explained(self, outcome: Outcome) -> Outcome:
        why = self._why.get(outcome.result.id, NOT_BEGUN)
        return replace(outcome, result=replace(outcome.result, why=why))

    def _stop(self) -> None:
        self._turn.stop()
        self._engine.stop()

    def _specs(self) -> dict[str, Any]:
        nodes = [node.pipeline_node for node in self._ir.nodes]
        return {node.node_info.id: node for node in nodes}

    def _work(self, specs: dict[str, Any], memory: PeakMemory, node: str) -> Outcome:
        began, error = time.monotonic(), None
        memory.begin(node)
        with collected_notices() as notices:
            try:
                status = self._launch(specs[node])
            except BaseException as caught:  # noqa: BLE001 (`run` raises it)
                _LOG.exception("node %s did not finish", node)
                status, error = Status.FAILED, as_raised(caught)
        seconds, peak = time.monotonic() - began, memory.end(node)
        return Outcome(NodeResult(node, status, seconds, peak, notices=tuple(notices)), error)

    def _launch(self, spec: Any) -> Status:
        node = spec.node_info.id
        if spec.execution_options.HasField("skip"):
            self._why[node] = NOT_CHOSEN
            return Status.SKIPPED
        if spec.execution_options.run.perform_snapshot:
            with self._turn.taken(), self._open_store() as handle:
                partial_run_utils.snapshot(handle, self._ir)
        self._launcher(spec).launch()
        with self._turn.taken():
            status, why = self._history.ended(node, resolver=spec.node_info.type.name == _RESOLVER)
        if status is Status.SKIPPED:
            if not spec.inputs.conditionals:
                raise PipelineError(
                    "it was not begun, though nothing says that it may be left out: an input is missing"
                )
            why = why_skipped(spec)
        # Of one that ran it was told before, so that one that fails has it too.
        self._why.setdefault(node, why or NOT_BEGUN)
        return status

    def _begins(self, spec: Any, info: Any) -> None:
        node, inputs = spec.node_info.id, spec.inputs.inputs
        producers = {key: given.channels[0].producer_node_query.id for key, given in inputs.items() if given.channels}
        caching = spec.execution_options.caching_options.enable_cache
        self._why[node] = self._history.why_ran(node, info, producers, caching=caching)
        _LOG.info("%s runs: %s", node, self._why[node])

    def _launcher(self, spec: Any) -> NodeLauncher:
        node = spec.node_info.id
        caching = spec.execution_options.caching_options.enable_cache
        operators = {executable_spec_pb2.BeamExecutableSpec: partial(EngineBeamOperator, self._engine.arguments)}
        return NodeLauncher(
            self._turn,
            partial(self._begins, spec),
            partial(self._history.newest_artifacts, node) if caching else list,
            self._checksums,
            pipeline_node=spec,
            mlmd_connection=self._open_store(),
            pipeline_info=self._ir.pipeline_info,
            pipeline_runtime_spec=self._ir.runtime_spec,
            executor_spec=runner_utils.extract_executor_spec(self._deployment, node),
            custom_driver_spec=runner_utils.extract_custom_driver_spec(self._deployment, node),
            custom_executor_operators=operators,
        )

    def outputs(self) -> dict[tuple[str, str], str]:
        """URIs of this run's artifacts, cached ones included, by (node id, output key)."""
        return self._history.outputs(self._ir.runtime_spec.pipeline_root.field_value.string_value)


def _results(outcomes: list[Outcome]) -> list[NodeResult]:
    results = [outcome.result for outcome in outcomes]
    failed = [outcome for outcome in outcomes if outcome.error]
    interrupted = [outcome for outcome in failed if isinstance(outcome.error, KeyboardInterrupt)]
    if failed:
        named = interrupted or failed[:1]
        raise NodeError(" and ".join(outcome.result.id for outcome in named), results) from named[0].error
    return results
