"""ML Metadata on a server: the connection without its password, and a store that is opened with it."""

import logging
import re
import tempfile
import time
from pathlib import Path

from ml_metadata.metadata_store.metadata_store import MetadataStore as Store
from ml_metadata.proto import metadata_store_pb2

from pipeline.config.metadata import MetadataStore
from pipeline.metadata.health_check import probe
from pipeline.metadata.postgresql import PostgresqlStore
from pipeline.process.output_redirect import captured
from schema.errors import InputError

PAUSE_SECONDS = 0.5
# ML Metadata looks for a type and then writes it, and PostgreSQL's table of types takes a name twice. So whoever may
# be the first to write does it in transactions that exclude each other; one of two fails then, and tries again.
_ONE_BY_ONE = "-c default_transaction_isolation=serializable"
# Up to the next line of glog's, which ml-metadata writes to standard error.
_TOLD = re.compile(r"PostgreSQL error: (.*?)(?=^[IWEF]\d{4} |\Z)", re.DOTALL | re.MULTILINE)
# What waiting does not mend, and what does.
_MENDS = (
    (r"password authentication failed|no password supplied", "Mend the {lock}, or metadata.user"),
    (r"role .* does not exist", "Mend metadata.user, or create it"),
    (r"[Dd]atabase .* does not exist|Unknown database", "Create it (CREATE DATABASE), or mend metadata.database"),
    (
        r"no pg_hba\.conf entry",
        "Let the user in there, without TLS, which ml-metadata's PostgreSQL client is built without",
    ),
    (r"permission denied|denied to user|Access denied", "Let user '{user}' use the database and create tables in it"),
    (r"database version", "One ml-metadata made this database and another reads it: name a database of its own"),
)
_LOGIN = (
    "the login of user '{user}' failed; ml-metadata does not say why. Mend the {lock} or metadata.user; or the "
    "account is for other hosts, not of the plugin mysql_native_password, or asks for TLS"
)


def public_config(settings: MetadataStore) -> metadata_store_pb2.ConnectionConfig:
    """The connection without the password: this may stand in a graph."""
    config = metadata_store_pb2.ConnectionConfig()
    host, port = settings.door
    if settings.store == "postgresql":
        config.postgresql.host, config.postgresql.port = host, str(port)
        config.postgresql.dbname, config.postgresql.user = settings.database, settings.user
        config.postgresql.skip_db_creation = True
        return config
    # By the name localhost the client would go to a Unix socket of its own choice.
    config.mysql.host = "127.0.0.1" if host == "localhost" else host
    config.mysql.port, config.mysql.user = port, settings.user
    # It is pasted into a USE statement.
    config.mysql.database, config.mysql.skip_db_creation = f"`{settings.database}`", True
    return config


def open_store(settings: MetadataStore, *, one_by_one: bool = False) -> Store:
    """The store, with the password of this moment.

    Args:
        settings: where it is.
        one_by_one: whether its transactions exclude those of others that ask for the same; see register_types.

    Raises:
        InputError: if there is no password.
        RuntimeError: if it cannot be opened.
    """
    logging.getLogger("absl").addFilter(_unlogged)
    kind = PostgresqlStore if settings.store == "postgresql" else Store
    return kind(_private_config(settings, one_by_one))


def _private_config(settings: MetadataStore, one_by_one: bool) -> metadata_store_pb2.ConnectionConfig:
    config = public_config(settings)
    if settings.store == "mysql":
        config.mysql.password = settings.password()
        return config
    # ml-metadata pastes these together as a connection string of libpq, and quotes nothing; so it takes more, too.
    server = config.postgresql
    server.password = _quoted(settings.password())
    server.user, server.dbname = _quoted(server.user), _quoted(server.dbname)
    server.port += f" connect_timeout={settings.wait_seconds} tcp_user_timeout={settings.wait_seconds * 1000}"
    if one_by_one:
        server.port += f" options={_quoted(_ONE_BY_ONE)}"
    return config


def _quoted(text: str) -> str:
    """The text as a value in a connection string of libpq."""
    escaped = text.replace("\\", r"\\").replace("'", r"\'")
    return f"'{escaped}'"


def _unlogged(record: logging.LogRecord) -> bool:
    """False of ml-metadata's debug line that shows the connection, with its password."""
    given = record.args if isinstance(record.args, tuple) else ()
    return not any(isinstance(value, metadata_store_pb2.ConnectionConfig) for value in given)


def check_server(settings: MetadataStore) -> None:
    """Asks whether the server answers and whether there is a password, and logs in nowhere.

    Raises:
        InputError: saying what is not so.
    """
    settings.password()
    fault = probe(settings.store, *settings.door, settings.wait_seconds)
    if fault:
        raise InputError(
            f"metadata: {settings.where}: {fault}. Start the server, or mend metadata.host and metadata.port"
        )


def check_login(settings: MetadataStore) -> None:
    """Opens the store once and makes its tables; before a run, so that it says in time what is amiss.

    Raises:
        InputError: saying what is amiss and what mends it.
    """
    check_server(settings)
    until = time.monotonic() + settings.wait_seconds
    while True:
        fault = _fault(settings)
        if fault is None:
            return
        mend = next((mend for pattern, mend in _MENDS if re.search(pattern, fault)), None)
        if mend or fault.startswith("the login") or time.monotonic() > until:
            hint = f". {mend.format(lock=settings.lock, user=settings.user)}" if mend else ""
            raise InputError(f"metadata: {settings.where}: {fault}{hint}")
        time.sleep(PAUSE_SECONDS)


def _fault(settings: MetadataStore) -> str | None:
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        try:
            # What ails PostgreSQL it tells nowhere but there.
            with captured(log):
                open_store(settings, one_by_one=True)
        except RuntimeError as error:
            return _cause(settings, str(error), log.read_text(encoding="utf-8", errors="replace"))
    return None


def _cause(settings: MetadataStore, error: str, log: str) -> str:
    if error.startswith("mysql_real_connect failed"):
        return _LOGIN.format(user=settings.user, lock=settings.lock)
    told: list[str] = _TOLD.findall(log)
    return one_line(told[-1] if told else error)


def one_line(error: str) -> str:
    """What a server said, in a line, without what ml-metadata and the clients put before it."""
    text = " ".join(error.split()).removeprefix("PostgreSQL metadata source error:").strip()
    return text.rpartition(", error: ")[2].removeprefix("FATAL: ")
