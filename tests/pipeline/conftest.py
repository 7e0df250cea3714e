"""A small graph's output folder, with its metadata in each store that there is."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.config.metadata import MetadataStore
from tests.pipeline.database_server import PASSWORD, Server, missing, running
from tests.pipeline.release_graph import Output


@pytest.fixture(scope="module", params=["sqlite", "postgresql", "mysql"])
def server(request: pytest.FixtureRequest) -> Iterator[Server | None]:
    """A server of its own; None for SQLite."""
    if request.param == "sqlite":
        yield None
        return
    if missing(request.param):
        pytest.skip(missing(request.param))
    with running(request.param) as started:
        yield started


@pytest.fixture
def output(server: Server | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Output:
    """An output folder whose metadata the server keeps, or a file in it."""
    monkeypatch.setenv("METADATA_PASSWORD", PASSWORD)
    return Output(tmp_path, MetadataStore(**server.settings()) if server else MetadataStore())
