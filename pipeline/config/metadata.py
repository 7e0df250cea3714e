"""Where a local run keeps its metadata: the record behind `metadata` in an environment, and the password at use."""

import os
from pathlib import Path
from typing import Self

from pydantic import Field, model_validator

from schema.closed import Closed
from schema.errors import InputError

# SQLite's, in the output folder.
METADATA_FILE = "metadata.sqlite"
_PORTS = {"postgresql": 5432, "mysql": 3306}


class MetadataStore(Closed):
    """SQLite in the output folder, or a database on a server, which must exist and be reached without TLS."""

    store: str = Field(
        default="sqlite",
        pattern="^(sqlite|postgresql|mysql)$",
        description="sqlite: a file in the output folder; postgresql or mysql: a server, for local runs",
    )
    host: str = Field(default="", pattern="^[A-Za-z0-9._:-]*$", description="name or address of the server")
    port: int | None = Field(default=None, ge=1, le=65535, description="null: 5432 of postgresql, 3306 of mysql")
    database: str = Field(default="", pattern="^[A-Za-z0-9_-]*$", description="database on the server; must exist")
    user: str = Field(default="", description="who logs in, and may create tables there")
    password_variable: str = Field(
        default="METADATA_PASSWORD",
        pattern="^[A-Za-z_][A-Za-z0-9_]*$",
        description="name of the environment variable that holds the password",
    )
    password_file: str = Field(default="", description="file that holds the password, in place of the variable")
    wait_seconds: int = Field(default=10, ge=2, description="how long a server that does not answer is waited for")

    @model_validator(mode="after")
    def _keys_go_with_the_store(self) -> Self:
        given = [name for name in type(self).model_fields if name in self.model_fields_set and name != "store"]
        if self.store == "sqlite" and given:
            raise ValueError(
                f"{', '.join(given)}: of a server, while store is sqlite, a file in the output folder. "
                "Add store: postgresql or store: mysql, or drop them"
            )
        lacking = [name for name in ("host", "database", "user") if not getattr(self, name)]
        if self.is_server and lacking:
            raise ValueError(f"store {self.store} needs {', '.join(lacking)}")
        return self

    @property
    def is_server(self) -> bool:
        """Whether the metadata are on a server."""
        return self.store != "sqlite"

    @property
    def door(self) -> tuple[str, int]:
        """Host and port of the server."""
        return self.host, self.port or _PORTS[self.store]

    @property
    def where(self) -> str:
        """The store for people, without what opens it."""
        return (
            f"{self.store} at {self.host}:{self.door[1]}, database '{self.database}'" if self.is_server else self.store
        )

    @property
    def lock(self) -> str:
        """Where the password is looked for, for people."""
        return f"file {self.password_file}" if self.password_file else f"environment variable {self.password_variable}"

    def password(self) -> str:
        """The password, read now; it is kept nowhere.

        Raises:
            InputError: if it is not where it is looked for.
        """
        if self.password_file:
            try:
                return Path(self.password_file).expanduser().read_text(encoding="utf-8").rstrip("\r\n")
            except (OSError, RuntimeError) as error:
                told = getattr(error, "strerror", None) or error
                raise InputError(f"metadata.password_file: {self.password_file}: {told}") from None
            except UnicodeDecodeError:
                raise InputError(f"metadata.password_file: {self.password_file}: not UTF-8") from None
        found = os.environ.get(self.password_variable)
        if found is None:
            raise InputError(
                f"metadata: no password for {self.where}, user '{self.user}'. Export {self.password_variable} (empty "
                "if the server asks for none), or name a file that holds it with metadata.password_file"
            )
        return found
