"""What a person looks at: pure functions of a run's artifacts."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reports.run import all_runs, latest_run

__all__ = ["all_runs", "latest_run"]


def __getattr__(name: str) -> Any:
    # When asked for: the package is imported by all who write records, and charts are not theirs.
    if name in __all__:
        from reports import run

        return getattr(run, name)
    raise AttributeError(f"module 'reports' has no attribute '{name}'")
