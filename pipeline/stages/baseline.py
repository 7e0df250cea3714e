"""The node that finds an earlier released model."""

from typing import Any

from tfx.dsl.components.common.resolver import Resolver
from tfx.types.channel import Channel
from tfx.types.standard_artifacts import Model, ModelBlessing

from components.baseline import BaselineStrategy


def latest_blessed(**candidate: Any) -> Any:
    """The latest model that ReleaseGate blessed; with `candidate`, the latest one before that."""
    return Resolver(
        strategy_class=BaselineStrategy,
        model=Channel(type=Model, producer_component_id="Trainer"),
        blessing=Channel(type=ModelBlessing, producer_component_id="ReleaseGate"),
        **candidate,
    )
