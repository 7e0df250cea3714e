"""What a training is handed, as JSON: it travels to the processes and machines that train along."""

from typing import Any

# What run_fn reads of its argument.
READ = (
    "train_files",
    "eval_files",
    "transform_output",
    "schema_file",
    "custom_config",
    "hyperparameters",
    "base_model",
    "model_run_dir",
    "serving_model_dir",
)


def as_json(fn_args: Any) -> dict[str, Any]:
    """What run_fn reads of TFX's `FnArgs`, by name."""
    return {name: getattr(fn_args, name) for name in READ}
