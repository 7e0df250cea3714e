"""Removes rows from ML Metadata's SQLite file, for which its client has no call."""

import sqlite3
from collections.abc import Collection
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from schema.errors import InputError

# Of ml-metadata 1.17, whose tables the statements below name.
SCHEMA_VERSION = 10
_NUMBERED = ("Artifact", "Execution", "Context", "Event", "Association", "Attribution")
# In an order in which each finds what it is told by. Types, pipelines and nodes stay.
_STATEMENTS = (
    "DELETE FROM EventPath WHERE event_id IN (SELECT id FROM Event WHERE execution_id IN gone_execution"
    " OR artifact_id IN gone_artifact)",
    "DELETE FROM Event WHERE execution_id IN gone_execution OR artifact_id IN gone_artifact",
    "DELETE FROM Association WHERE execution_id IN gone_execution OR context_id IN gone_context",
    "DELETE FROM Attribution WHERE artifact_id IN gone_artifact OR context_id IN gone_context",
    # A cache key that leads to no execution any more.
    "INSERT OR IGNORE INTO gone_context SELECT id FROM Context"
    " WHERE type_id IN (SELECT id FROM Type WHERE name = 'execution_cache')"
    " AND id NOT IN (SELECT context_id FROM Association)",
    "DELETE FROM Attribution WHERE context_id IN gone_context",
    "DELETE FROM ParentContext WHERE context_id IN gone_context OR parent_context_id IN gone_context",
    "DELETE FROM ExecutionProperty WHERE execution_id IN gone_execution",
    "DELETE FROM Execution WHERE id IN gone_execution",
    "DELETE FROM ArtifactProperty WHERE artifact_id IN gone_artifact",
    "DELETE FROM Artifact WHERE id IN gone_artifact",
    "DELETE FROM ContextProperty WHERE context_id IN gone_context",
    "DELETE FROM Context WHERE id IN gone_context",
)


@dataclass(frozen=True)
class Rows:
    """Ids of what is removed; contexts are those of runs."""

    artifacts: Collection[int]
    executions: Collection[int]
    contexts: Collection[int]


def check_tables(path: Path) -> None:
    """Refuses a file whose tables are not those that rows are removed from.

    Raises:
        InputError: saying what it is.
    """
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            versions = [found for (found,) in connection.execute("SELECT schema_version FROM MLMDEnv")]
            tables = dict(connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table'"))
    except sqlite3.Error as error:
        raise InputError(f"{path}: not readable as ML Metadata's: {error}. Nothing was removed") from None
    if versions != [SCHEMA_VERSION]:
        raise InputError(
            f"{path}: expected tables of ML Metadata's schema version {SCHEMA_VERSION}, that of ml-metadata 1.17. "
            f"Received: {', '.join(map(str, versions)) or 'none'}. Nothing was removed"
        )
    # Without it SQLite would give the ids of removed rows again, and with them folders and cache keys.
    reusing = [name for name in _NUMBERED if "AUTOINCREMENT" not in tables.get(name, "")]
    if reusing:
        raise InputError(f"{path}: table {reusing[0]} would use ids again. Nothing was removed")


def remove_rows(path: Path, rows: Rows) -> None:
    """Removes the rows, all of them or none; ids are never used again.

    Raises:
        InputError: if the tables are others, or another program holds the file.
    """
    check_tables(path)
    try:
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute("BEGIN IMMEDIATE")
            for name, ids in (("artifact", rows.artifacts), ("execution", rows.executions), ("context", rows.contexts)):
                connection.execute(f"CREATE TEMP TABLE gone_{name} (id INTEGER PRIMARY KEY)")
                connection.executemany(f"INSERT INTO gone_{name} VALUES (?)", [(number,) for number in ids])  # noqa: S608
            for statement in _STATEMENTS:
                connection.execute(statement)
    except sqlite3.Error as error:
        raise InputError(f"{path}: {error}. Nothing was removed") from None
