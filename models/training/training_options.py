"""How a training runs, apart from what it trains."""

from enum import StrEnum
from typing import Any, Self

from pydantic import Field, field_validator, model_validator

from schema.closed import Closed


class WarmStart(StrEnum):
    """Whether a training starts at the weights of the last blessed model.

    off          it starts afresh.
    if_possible  it takes over what fits; what does not is warned of.
    required     the run fails unless all that both models have could be taken over.
    """

    OFF = "off"
    IF_POSSIBLE = "if_possible"
    REQUIRED = "required"


class Training(Closed):
    """Where and how the network trains."""

    strategy: str = Field(
        default="none",
        pattern="^(none|mirrored|multi_worker_mirrored|tpu)$",
        description="none, mirrored, multi_worker_mirrored (local_workers, workers or TF_CONFIG) or tpu",
    )
    local_workers: int = Field(default=0, ge=0, description="processes of this machine that train together")
    workers: int = Field(default=0, ge=0, description="pods or machines of a cluster that train together")
    restarts: int = Field(default=2, ge=0, description="times that local_workers are started again when one dies")
    tpu: str = Field(default="", description="address of the TPU; empty asks the environment")
    warm_start: WarmStart = Field(
        default=WarmStart.OFF,
        description="start at the last blessed model (not after a change of split): off, if_possible (what does not "
        "fit is warned of) or required (else the run fails); true and false mean if_possible and off",
    )
    jit_compile: bool = Field(default=False, description="compile the train step with XLA; with strategy none")
    profile_steps: int = Field(default=0, ge=0, description="train steps to profile for TensorBoard, input included")
    seed: int = Field(default=7, ge=0, description="seed of weights, shuffling and sampling")

    def identity(self) -> Self:
        """These options without those that have no bearing on what is learnt, nor on the steps to it."""
        return self.model_copy(update={"restarts": 0, "profile_steps": 0})

    @field_validator("warm_start", mode="before")
    @classmethod
    def _truth(cls, value: Any) -> Any:
        # To YAML 1.1 `off` is false.
        return {True: WarmStart.IF_POSSIBLE, False: WarmStart.OFF}[value] if isinstance(value, bool) else value

    @model_validator(mode="after")
    def _compiles_one_device(self) -> Self:
        if self.jit_compile and self.strategy != "none":
            raise ValueError(
                "jit_compile goes with strategy none only: XLA cannot compile the exchange of gradients between "
                f"replicas, and a TPU compiles of itself. Received: strategy {self.strategy}"
            )
        return self

    @model_validator(mode="after")
    def _workers_are_of_one_kind(self) -> Self:
        given = [f"{key} {count}" for key in ("local_workers", "workers") if (count := getattr(self, key))]
        if given and self.strategy != "multi_worker_mirrored":
            raise ValueError(
                f"{given[0]}: workers train together by strategy multi_worker_mirrored only. "
                f"Received: strategy {self.strategy}"
            )
        if len(given) > 1:
            raise ValueError(
                "local_workers are processes of one machine, workers are machines: choose one of the two. "
                f"Received: {' and '.join(given)}"
            )
        return self
