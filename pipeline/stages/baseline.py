"""The node that finds an earlier released model."""

from typing import Any

from tfx.dsl.components.common.resolver import Resolver
from tfx.types.channel import Channel
from tfx.types.standard_artifacts import Model, ModelBlessing

from components.release.latest_pushed_model import LatestPushedModel
from components.training.baseline import BaselineStrategy
from pipeline.config.pipeline_config import Config
from pipeline.stages.source_fingerprint import source_fingerprint


def earlier_model(config: Config, **candidate: Any) -> Any:
    """The latest released model; with `candidate`, the latest one before that.

    Where there is a metadata store to ask it is resolved: the latest that ReleaseGate blessed. Kubeflow has no resolver
    of ours, and takes it from the released versions.
    """
    if not config.environment.is_local:
        return LatestPushedModel(
            destination=str(config.releases), fingerprint=source_fingerprint("components.release.latest_pushed_model")
        )
    return Resolver(
        strategy_class=BaselineStrategy,
        model=Channel(type=Model, producer_component_id="Trainer"),
        blessing=Channel(type=ModelBlessing, producer_component_id="ReleaseGate"),
        **candidate,
    )
