"""TFX nodes: thin adapters, artifacts in, one call to a package below, artifacts out."""

from typing import Any

_ARTIFACTS = ("DeviceModels", "ModelCard", "RunReport", "Verdict")


def __getattr__(name: str) -> Any:
    """Our artifact types, by the names under which containers look for them: see components.artifacts.

    Only when asked for, since they import TFX, and much here does without it.
    """
    if name not in _ARTIFACTS:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    from components import artifacts

    return getattr(artifacts, name)
