"""What tells an output folder from others in a metadata store that they share."""

import hashlib
import os
import secrets
from pathlib import Path

from schema.errors import InputError

IDENTITY = "metadata.id"
_TOKEN_DIGITS = 10


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
        # Not through a link that leads to nothing yet.
        if not os.path.lexists(path):
            with path.open("x", encoding="utf-8") as stream:
                stream.write(secrets.token_hex(16))
        kept = path.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None
    digest = hashlib.sha256("\n".join([kept, str(output), store]).encode())
    return digest.hexdigest()[:_TOKEN_DIGITS]
