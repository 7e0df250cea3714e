"""Which models are blessed, by the properties that ReleaseGate gives a blessing."""

from collections.abc import Collection, Iterable

BLESSED = "blessed"
CURRENT_MODEL = "current_model"
CURRENT_MODEL_ID = "current_model_id"


def newest_blessed(models: Iterable[int], blessed: Collection[int], candidate: int | None = None) -> int | None:
    """The newest blessed model, by its id in the metadata store; None without one.

    Args:
        models: ids of all models.
        blessed: ids of those that are blessed.
        candidate: only what is older than this model counts; None for all.
    """
    earlier = (model for model in models if candidate is None or model < candidate)
    return max((model for model in earlier if model in blessed), default=None)
