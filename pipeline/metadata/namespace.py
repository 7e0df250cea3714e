"""Under which name a graph is kept in the metadata store, in which store, and where its artifacts go."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ml_metadata.proto import metadata_store_pb2

from pipeline.config.metadata import METADATA_FILE, MetadataStore
from pipeline.config.pipeline_config import Config
from pipeline.metadata.connection import public_config
from pipeline.metadata.output_id import folder_token


@dataclass(frozen=True)
class Place:
    """The pipeline's name in the store, the folder or URI of its artifacts, and the connection without a password."""

    name: str
    root: str
    connection: Any


def place(config: Config) -> Place:
    """The place of a config's graph.

    Raises:
        InputError: if the output folder cannot be written.
    """
    environment = config.environment
    if not environment.is_local:
        # Kubeflow keeps the metadata itself.
        return Place(kubeflow_name(config.name), config.root, None)
    if not environment.metadata.is_server:
        return Place(config.name, config.root, in_file(config.output / METADATA_FILE))
    return on_server(environment.metadata, config.name, config.root, config.output)


def in_file(path: Path) -> metadata_store_pb2.ConnectionConfig:
    """The connection to a store in a file, which is made when it is opened.

    TFX's own function makes the folder too, and a graph may be looked at without one.
    """
    connection = metadata_store_pb2.ConnectionConfig()
    connection.sqlite.filename_uri = str(path)
    connection.sqlite.connection_mode = metadata_store_pb2.SqliteMetadataSourceConfig.READWRITE_OPENCREATE
    return connection


def on_server(settings: MetadataStore, name: str, root: str, output: Path) -> Place:
    """A place in a store that others use too.

    The name has a token of the output folder, so that nothing is found that another folder holds; and so has the
    folder of the artifacts, since they are numbered by the store.

    Raises:
        InputError: if the output folder cannot be written.
    """
    token = folder_token(output, settings.where)
    return Place(f"{name}-{token}", f"{root}-{token}", public_config(settings))


def kubeflow_name(name: str) -> str:
    """The name as Kubeflow takes it: no underscores."""
    return name.replace("_", "-")
