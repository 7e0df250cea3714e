"""Under which name a graph is kept in the metadata store, in which store, and where its artifacts go."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tfx.orchestration.metadata import sqlite_metadata_connection_config

from pipeline.config import Config
from pipeline.folder_identity import folder_token
from pipeline.metadata_connection import public_config
from pipeline.metadata_store import MetadataStore


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
        connection = sqlite_metadata_connection_config(str(config.output / "metadata.sqlite"))
        return Place(config.name, config.root, connection)
    return on_server(environment.metadata, config.name, config.root, config.output)


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
