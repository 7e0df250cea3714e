"""The metadata stores of an output folder, as pruning reads and changes them."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from ml_metadata.errors import StatusError
from ml_metadata.metadata_store.metadata_store import MetadataStore as Store
from ml_metadata.proto import metadata_store_pb2

from pipeline.config.metadata import METADATA_FILE, MetadataStore
from pipeline.metadata.connection import check_login, one_line, open_store
from pipeline.metadata.output_id import IDENTITY, folder_token
from pipeline.pruning.lineage_graph import Ledger, read_ledger
from pipeline.pruning.sqlite_deletion import Rows, check_tables, remove_rows
from schema.errors import InputError


class PrunableStore(Protocol):
    """One store: where the artifacts lie that it knows, what it says after pruning, and what it does with rows."""

    root: Path
    note: str

    def ledger(self) -> Ledger:
        """What it knows of the output folder's runs."""

    def remove(self, rows: Rows) -> None:
        """Has the rows be found by no run, all of them or none."""


class SqliteStore:
    """The file in the output folder.

    Args:
        output: the folder.

    Raises:
        InputError: if its tables are not those of our ml-metadata.
    """

    note = ""

    def __init__(self, output: Path) -> None:
        self.root, self._path = output / "artifacts", output / METADATA_FILE
        check_tables(self._path)

    def ledger(self) -> Ledger:
        """Everything in the file, which is opened for reading alone."""
        config = metadata_store_pb2.ConnectionConfig()
        config.sqlite.filename_uri = str(self._path)
        config.sqlite.connection_mode = metadata_store_pb2.SqliteMetadataSourceConfig.READONLY
        return read_ledger(Store(config))

    def remove(self, rows: Rows) -> None:
        """Deletes them, in one transaction."""
        remove_rows(self._path, rows)


class ServerStore:
    """A server that others use too.

    Args:
        output: the output folder, whose part of the store it is.
        settings: where the server is.

    Raises:
        InputError: if it does not answer or lets nobody in.
    """

    def __init__(self, output: Path, settings: MetadataStore) -> None:
        self._token = folder_token(output, settings.where)
        self._where = settings.where
        self.root = output / f"artifacts-{self._token}"
        self.note = f"rows stay in {settings.where}; those of artifacts are marked as deleted"
        check_login(settings)
        self._store: Any = open_store(settings)

    def ledger(self) -> Ledger:
        """What it has of this folder.

        Raises:
            InputError: if the server is lost.
        """
        with self._told():
            return read_ledger(self._store, self._token)

    def remove(self, rows: Rows) -> None:
        """Marks the artifacts as deleted, in one request, so that neither the cache nor a resolver takes them.

        Raises:
            InputError: if the server is lost.
        """
        if not rows.artifacts:
            return
        with self._told():
            found = self._store.get_artifacts_by_id(list(rows.artifacts))
            for artifact in found:
                artifact.state = metadata_store_pb2.Artifact.DELETED
            self._store.put_artifacts(found)

    @contextmanager
    def _told(self) -> Iterator[None]:
        """An error of the server's in a sentence."""
        try:
            yield
        except StatusError as error:
            raise InputError(
                f"metadata: {self._where} failed: {one_line(str(error))}. Once it is back, prune again"
            ) from error


def open_stores(output: Path, configs: Iterable[Mapping[str, Any]]) -> list[PrunableStore]:
    """Every store that runs of the output folder used.

    Args:
        output: the folder.
        configs: of its runs, see run_config.

    Raises:
        InputError: if one cannot be opened.
    """
    stores: list[PrunableStore] = []
    file = output / METADATA_FILE
    # An empty one is of a run that ended before it opened its store.
    if file.is_file() and file.stat().st_size:
        stores.append(SqliteStore(output))
    servers: dict[str, MetadataStore] = {}
    for config in configs:
        values = (config.get("environment") or {}).get("metadata") or {}
        if values.get("store", "sqlite") != "sqlite":
            settings = MetadataStore.from_mapping(values, "config.json: environment.metadata")
            # The newest run's: where the password is may have changed.
            servers.setdefault(settings.where, settings)
    # The identity was made by the first run on a server; without it nothing there is this folder's.
    known = servers.values() if (output / IDENTITY).is_file() else ()
    return stores + [ServerStore(output, settings) for settings in known]
