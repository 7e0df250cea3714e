"""The record of the metadata store: which keys go together, and where its password comes from."""

from pathlib import Path
from typing import Any

import pytest

from pipeline.config.environment import Environment
from pipeline.config.metadata import MetadataStore
from pipeline.config.pipeline_config import load_config
from schema.errors import InputError

SERVER = {"store": "postgresql", "host": "db", "database": "metadata", "user": "mlmd"}


def read(**section: Any) -> MetadataStore:
    return Environment.from_mapping({"name": "local", "metadata": section}, "local.yaml").metadata


def test_sqlite_is_the_default_and_needs_nothing() -> None:
    found = Environment(name="local").metadata
    assert (found.store, found.is_server, found.where) == ("sqlite", False, "sqlite")


def test_a_server_has_its_own_port_unless_another_is_given() -> None:
    assert read(**SERVER).door == ("db", 5432)
    assert read(**{**SERVER, "store": "mysql"}).door == ("db", 3306)
    assert read(**SERVER, port=15432).door == ("db", 15432)
    assert read(**SERVER).where == "postgresql at db:5432, database 'metadata'"


@pytest.mark.parametrize(
    ("section", "told"),
    [
        ({"store": "oracle"}, "key 'metadata.store': String should match pattern"),
        ({"host": "db", "user": "mlmd"}, "key 'metadata': host, user: of a server, while store is sqlite"),
        ({"store": "mysql", "host": "db"}, "key 'metadata': store mysql needs database, user"),
        ({**SERVER, "port": 0}, "key 'metadata.port'"),
        ({**SERVER, "host": "db sslmode=disable"}, "key 'metadata.host'"),
        ({**SERVER, "database": "a`b"}, "key 'metadata.database'"),
        ({**SERVER, "password_variable": "two words"}, "key 'metadata.password_variable'"),
        ({**SERVER, "wait_seconds": 0}, "key 'metadata.wait_seconds'"),
    ],
)
def test_what_does_not_go_together_is_refused(section: dict[str, Any], told: str) -> None:
    with pytest.raises(InputError) as caught:
        read(**section)
    assert str(caught.value).startswith("local.yaml: ")
    assert told in str(caught.value)


def test_there_is_no_key_for_the_password_itself() -> None:
    with pytest.raises(InputError, match=r"unknown key 'metadata\.password'\. Did you mean 'password_file'") as caught:
        read(**SERVER, password="hunter2")
    assert "hunter2" not in str(caught.value)


def test_the_command_line_lays_keys_over_the_environment() -> None:
    sets = [f"metadata.{key}={value}" for key, value in SERVER.items()]
    assert load_config("nyc_flights", sets=sets).environment.metadata == MetadataStore(**SERVER)


def test_the_password_is_read_at_use_from_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    store = read(**SERVER, password_variable="MINE")
    monkeypatch.setenv("MINE", "one")
    assert store.password() == "one"
    monkeypatch.setenv("MINE", "")
    assert store.password() == ""
    monkeypatch.delenv("MINE")
    with pytest.raises(InputError, match=r"no password for postgresql at db:5432, .*Export MINE .*password_file"):
        store.password()


def test_a_file_goes_before_the_variable_and_loses_its_line_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("METADATA_PASSWORD", "of the variable")
    (tmp_path / "password").write_bytes(b" of the file \r\n")
    store = read(**SERVER, password_file=str(tmp_path / "password"))
    assert store.password() == " of the file "
    assert "of the file" not in repr(store)


@pytest.mark.parametrize(("content", "told"), [(None, "No such file"), (b"\xff", "not UTF-8")])
def test_a_password_file_that_cannot_be_read_is_named(tmp_path: Path, content: bytes | None, told: str) -> None:
    path = tmp_path / "password"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=rf"metadata\.password_file: .*password: {told}"):
        read(**SERVER, password_file=str(path)).password()
