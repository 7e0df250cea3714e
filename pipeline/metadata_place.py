"""Under which name a graph is kept in the metadata store, in which store, and where its artifacts go."""

import hashlib
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tfx.orchestration.metadata import sqlite_metadata_connection_config

from pipeline.config import Config
from pipeline.metadata_connection import public_config
from pipeline.metadata_store import MetadataStore
from schema.errors import InputError

IDENTITY = "metadata.id"
_TOKEN_DIGITS = 10


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


def folder_token(output: Path, store: str) -> str:
    """What tells this output folder from others in this store: of its path, and of a random text that is kept in it.

    A folder that was moved, copied, or removed and made anew is another one, as its artifacts are not where the store
    has them.

    Raises:
        InputError: if the folder cannot be written.
    """
    path = output / IDENTITY
    try:
        output.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            path.write_text(secrets.token_hex(16), encoding="utf-8")
        kept = path.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None
    digest = hashlib.sha256("\n".join([kept, str(output), store]).encode())
    return digest.hexdigest()[:_TOKEN_DIGITS]


def kubeflow_name(name: str) -> str:
    """The name as Kubeflow takes it: no underscores."""
    return name.replace("_", "-")
