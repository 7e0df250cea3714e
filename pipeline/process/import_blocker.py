"""Keeps the clients of clouds out of a run on this machine, where Beam and TFX load them whether used or not."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from types import ModuleType

# What Beam and TFX look for and do without: Beam for storage and queues, TFX for its InfraValidator.
CLOUD_CLIENTS = ("google.cloud", "kubernetes")


class _Absent(MetaPathFinder):
    """Answers for the modules of these packages that they are not installed."""

    def __init__(self, packages: Sequence[str]) -> None:
        self._beginnings = tuple(f"{package}." for package in packages)

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,  # noqa: ARG002 (the signature is Python's)
        target: ModuleType | None = None,  # noqa: ARG002
    ) -> None:
        """None for a module of another package, which the next finder is asked for.

        Raises:
            ModuleNotFoundError: for a module of these packages.
        """
        if f"{fullname}.".startswith(self._beginnings):
            raise ModuleNotFoundError(f"{fullname} is not loaded in a run on this machine", name=fullname)
        return


@contextmanager
def without_cloud_clients() -> Iterator[None]:
    """As long as it is open, the clients of clouds that are not loaded yet are as good as not installed.

    A path in a cloud's storage has no meaning in the meantime: everything that a local run reads or writes is a folder
    of this machine.
    """
    absent = _Absent(CLOUD_CLIENTS)
    sys.meta_path.insert(0, absent)
    try:
        yield
    finally:
        sys.meta_path.remove(absent)
