"""The libraries whose versions a variant's bytes and answers depend on, beside our own source."""

import hashlib
from functools import cache
from importlib.metadata import PackageNotFoundError, version

# Of the folder in which variants lie: what made and judged them, whatever is installed where they are released.
FILE = "libraries.json"

# Each by the names it may be installed under: an image has tensorflow-cpu in tensorflow's place.
_LIBRARIES = (
    ("tensorflow", "tensorflow-cpu"),
    ("ai-edge-litert",),
    ("ai-edge-quantizer",),
    ("numpy",),
    ("flatbuffers",),
)


@cache
def versions() -> dict[str, str]:
    """The version by the library's first name.

    Raises:
        PackageNotFoundError: if a library is installed under none of its names.
    """
    return {names[0]: _version(names) for names in _LIBRARIES}


def digest() -> str:
    """Changes with any version, 16 hexadecimal digits."""
    return hashlib.sha256(repr(sorted(versions().items())).encode()).hexdigest()[:16]


def _version(names: tuple[str, ...]) -> str:
    for name in names:
        try:
            return version(name)
        except PackageNotFoundError:
            continue
    raise PackageNotFoundError(" or ".join(names))
