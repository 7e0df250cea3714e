"""TFX's handle of a metadata store on a server: patient with one that is away, and plain about one that is lost."""

import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from ml_metadata.errors import AbortedError, InternalError, UnavailableError
from tfx.orchestration import metadata

from pipeline.config.metadata import MetadataStore
from pipeline.metadata.connection import PAUSE_SECONDS, one_line, open_store, public_config
from pipeline.metadata.health_check import probe
from schema.errors import InputError


class ServerHandle(metadata.Metadata):
    """Opens the store each time it is entered, as TFX's does, so that a server may restart while a node computes.

    Args:
        settings: where the store is.
        one_by_one: see open_store.
    """

    def __init__(self, settings: MetadataStore, *, one_by_one: bool = False) -> None:
        super().__init__(public_config(settings))
        self._settings, self._one_by_one = settings, one_by_one

    def __enter__(self) -> Self:
        """Opens it.

        Raises:
            InputError: if it does not answer in `wait_seconds`.
        """
        until = time.monotonic() + self._settings.wait_seconds
        while True:
            try:
                self._store: Any = open_store(self._settings, one_by_one=self._one_by_one)
            except RuntimeError as error:
                if time.monotonic() > until:
                    away = probe(self._settings.store, *self._settings.door, PAUSE_SECONDS)
                    raise self._lost(away or one_line(str(error)) or "it refuses the connection") from error
                time.sleep(PAUSE_SECONDS)
                continue
            self._users += 1
            return self

    def __exit__(
        self,
        kind: type[BaseException] | None = None,
        error: BaseException | None = None,
        trace: TracebackType | None = None,
    ) -> None:
        """Closes it.

        Raises:
            InputError: in place of an error of the store's.
        """
        super().__exit__(kind, error, trace)
        if isinstance(error, AbortedError | InternalError | UnavailableError):
            raise self._lost(one_line(str(error))) from error

    def _lost(self, why: str) -> InputError:
        return InputError(
            f"metadata: {self._settings.where} failed during the run: {why}. Once it is back, run the same command "
            "again: what had finished is served from the cache"
        )


def opener(settings: MetadataStore) -> Callable[[Any], metadata.Metadata]:
    """Makes handles from the connection in a graph; a server's has no password, and comes from the settings whole."""
    return (lambda connection: ServerHandle(settings)) if settings.is_server else metadata.Metadata  # noqa: ARG005
