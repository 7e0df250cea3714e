"""A released version traced through the metadata store to the data and the code that made it."""

from pathlib import Path
from typing import Any

from ml_metadata.metadata_store.metadata_store import MetadataStore as Store
from ml_metadata.proto import metadata_store_pb2

from components.release.release_store import current
from pipeline.config.metadata import METADATA_FILE, MetadataStore
from pipeline.inspection.lineage_walk import upstream
from pipeline.metadata.connection import check_server, one_line, open_store
from pipeline.metadata.sqlite_file import check_file
from reports.runs.run import Run, all_runs
from reports.views.provenance import Provenance
from schema.errors import InputError


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
            steps, spans = upstream(store, pushed.id)
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
        path = output / METADATA_FILE
        if not path.is_file():
            raise InputError(f"{path}: there is no such file")
        check_file(path)
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
