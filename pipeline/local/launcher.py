"""TFX's launcher for nodes that run at the same time."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ml_metadata.proto import metadata_store_pb2
from tfx.orchestration.portable import beam_executor_operator, launcher
from tfx.proto.orchestration import placeholder_pb2

from pipeline.local.artifact_checksums import ArtifactChecksums
from schema.errors import DamagedFileError, InputError
from schema.first_few import first_few
from schema.notices import notify

_NAMED = 4


class MetadataTurn:
    """The metadata store, for one thread at a time, and for none once the run is stopped."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._stopped = False

    def stop(self) -> None:
        """From now on whoever asks for the store is interrupted, so that nothing is published any more."""
        self._stopped = True

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Holds the store.

        Raises:
            KeyboardInterrupt: if the run is stopped.
        """
        with self._lock:
            self._check()
            yield

    @contextmanager
    def given_back(self) -> Iterator[None]:
        """Lets others have the store for a while.

        Raises:
            KeyboardInterrupt: at the end, if the run was stopped in the meantime.
        """
        self._lock.release()
        try:
            yield
        finally:
            self._lock.acquire()
        self._check()

    def _check(self) -> None:
        if self._stopped:
            raise KeyboardInterrupt


class NodeLauncher(launcher.Launcher):
    """Holds the metadata store from resolving the inputs to publishing the outputs, save while the executor runs.

    A result of before is verified before the cache may take it, inputs before the executor reads them. What is damaged
    is marked as deleted, so that neither the cache nor a resolver finds it again.

    Args:
        turn: the store.
        begins: hears of the ExecutionInfo before the executor runs, while the store is held.
        earlier: asks for the artifacts that the cache would most likely take for the node; none if it may not.
        checksums: of artifacts.
        arguments: of TFX's launcher.
    """

    def __init__(
        self,
        turn: MetadataTurn,
        begins: Callable[[Any], None],
        earlier: Callable[[], Sequence[Any]],
        checksums: ArtifactChecksums,
        **arguments: Any,
    ) -> None:
        super().__init__(**arguments)
        self._turn, self._begins, self._earlier, self._checksums = turn, begins, earlier, checksums

    def launch(self) -> Any:
        """Drives, executes and publishes.

        Raises:
            DamagedFileError: if an input is damaged.
            KeyboardInterrupt: if the run is stopped.
        """
        with self._turn.taken():
            for fault in self._discard_damaged(self._earlier()):
                notify(f"{fault} since it was written; it is no longer used")
            return super().launch()

    def _run_executor(self, execution_info: Any) -> Any:
        _refuse_used(execution_info.output_dict)
        inputs = [artifact.mlmd_artifact for artifact in _listed(execution_info.input_dict)]
        faults = self._discard_damaged(inputs)
        if faults:
            raise DamagedFileError(
                f"{first_few(faults, _NAMED)} since it was written. It is no longer used: run the same again, without "
                "--from and --only, and it is made anew; for a baseline, the model that was released before it is taken"
            )
        self._begins(execution_info)
        with self._turn.given_back():
            output = super()._run_executor(execution_info)
            self._checksums.record(artifact.uri for artifact in _listed(execution_info.output_dict))
            return output

    def _discard_damaged(self, artifacts: Sequence[Any]) -> list[str]:
        """Marks those as deleted that are damaged; what is wrong with them, a path and a fragment per file."""
        with self._turn.given_back():
            faults = {artifact.id: self._checksums.faults(artifact.uri) for artifact in artifacts}
        damaged = [artifact for artifact in artifacts if faults[artifact.id]]
        if damaged:
            with self._mlmd_connection as handle:
                found = handle.store.get_artifacts_by_id([artifact.id for artifact in damaged])
                for artifact in found:
                    artifact.state = metadata_store_pb2.Artifact.DELETED
                handle.store.put_artifacts(found)
        return [fault for artifact in damaged for fault in faults[artifact.id]]


def _listed(artifacts: Mapping[str, Sequence[Any]]) -> list[Any]:
    return [artifact for listed in artifacts.values() for artifact in listed]


def _refuse_used(outputs: Mapping[str, Sequence[Any]]) -> None:
    """Refuses to write beside the files of another store's artifact: both stores number theirs from one."""
    for artifact in _listed(outputs):
        folder = Path(artifact.uri)
        if folder.is_dir() and any(folder.iterdir()):
            raise InputError(
                f"{folder}: has files already, of which the metadata store knows nothing: they are another store's, or "
                f"of one that was deleted. Move {folder.parents[2]} away, or name another folder with --output"
            )


class EngineBeamOperator(beam_executor_operator.BeamExecutorOperator):
    """Gives Beam arguments beside those in the graph, which are part of the cache's key.

    Who does the work has no bearing on its result, so that a change of engine or workers finds every result again. The
    arguments are asked for when the node really runs: an engine need not be there for results that are cached.
    """

    def __init__(self, arguments: Callable[[], Sequence[str]], executor_spec: Any, platform_config: Any = None) -> None:
        super().__init__(executor_spec, platform_config)
        self._arguments = arguments

    def run_executor(self, execution_info: Any) -> Any:
        """Runs the node's executor."""
        self.beam_pipeline_args.extend(_literal(argument) for argument in self._arguments())
        return super().run_executor(execution_info)


def _literal(text: str) -> Any:
    """The text as TFX keeps arguments: as an expression that stands for itself."""
    return placeholder_pb2.PlaceholderExpression(value=metadata_store_pb2.Value(string_value=text))
