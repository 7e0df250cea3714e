"""The baseline a candidate is compared with: the latest model that was released before it."""

from typing import Any

from tfx.dsl.components.common.resolver import ResolverStrategy
from tfx.types import Artifact

from components.training.blessings import BLESSED, CURRENT_MODEL_ID, newest_blessed


class BaselineStrategy(ResolverStrategy):
    """Latest blessed model older than the candidate.

    TFX's LatestBlessedModelStrategy would answer with the candidate itself once it is blessed, so that an unchanged
    second run compares the model with itself and nothing after the Trainer is served from the cache.
    """

    def resolve_artifacts(self, store: Any, input_dict: dict[str, list[Artifact]]) -> dict[str, list[Artifact]]:
        """`model`, at most one, from `model`, `blessing` and `candidate`."""
        blessed = {
            blessing.get_int_custom_property(CURRENT_MODEL_ID)
            for blessing in input_dict.get("blessing", [])
            if blessing.get_int_custom_property(BLESSED) == 1
        }
        candidate = min((candidate.id for candidate in input_dict.get("candidate", [])), default=None)
        models = {model.id: model for model in input_dict.get("model", [])}
        found = newest_blessed(models, blessed, candidate)
        return {**{key: [] for key in input_dict}, "model": [] if found is None else [models[found]]}
