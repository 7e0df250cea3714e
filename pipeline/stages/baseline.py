"""The node that finds an earlier released model."""

from typing import Any

from tfx import v1 as tfx
from tfx.types.standard_artifacts import Model, ModelBlessing

from components.baseline import BaselineStrategy


def latest_blessed(**candidate: Any) -> Any:
    """The latest model that ReleaseGate blessed; with `candidate`, the latest one before that."""
    return tfx.dsl.Resolver(
        strategy_class=BaselineStrategy,
        model=tfx.dsl.Channel(type=Model, producer_component_id="Trainer"),
        blessing=tfx.dsl.Channel(type=ModelBlessing, producer_component_id="ReleaseGate"),
        **candidate,
    )
