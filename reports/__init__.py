"""What a person looks at: pure functions of a run's artifacts."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reports.runs.run import all_runs, latest_run
    from reports.runs.shown import shown

__all__ = ["all_runs", "latest_run", "shown"]
_MODULES = {"all_runs": "runs.run", "latest_run": "runs.run", "shown": "runs.shown"}


def __getattr__(name: str) -> Any:
    # When asked for: the package is imported by all who write records, and charts are not theirs.
    if name in _MODULES:
        from importlib import import_module

        return getattr(import_module(f"reports.{_MODULES[name]}"), name)
    raise AttributeError(f"module 'reports' has no attribute '{name}'")
