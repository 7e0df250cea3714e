"""How a training runs, apart from what it trains."""

from pydantic import Field

from schema.closed import Closed


class Training(Closed):
    """Where and how the network trains."""

    strategy: str = Field(
        default="none",
        pattern="^(none|mirrored|multi_worker_mirrored|tpu)$",
        description="none, mirrored, multi_worker_mirrored (TF_CONFIG) or tpu",
    )
    tpu: str = Field(default="", description="address of the TPU; empty asks the environment")
    warm_start: bool = Field(default=False, description="start from the weights of the last blessed model")
    jit_compile: bool = Field(default=False, description="compile the train step with XLA")
    seed: int = Field(default=7, description="seed of weights, shuffling and sampling")
