"""The stock Trainer's run_fn: our network and fit, fed by TFX's own input."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import tensorflow as tf
import tensorflow_transform as tft
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx_bsl.public import tfxio

from benchmarks.stock.export import export
from benchmarks.stock.statistics import read_statistics
from models.data.dataset import Source, training_source
from models.export.export import RowModel
from models.training.fit import FitPaths, fit
from models.training.strategies import make_strategy
from models.training.training_options import Training
from schema.bound import BoundProblem
from schema.rows import columns

# As many rows as our own input mixes.
SHUFFLED_ROWS = 100_000

Factory = Callable[[list[str], tfxio.TensorFlowDatasetOptions, Any], tf.data.Dataset]


def run_fn(fn_args: Any) -> None:
    """Trains and exports the model.

    `fn_args.custom_config` holds `bound` (BoundProblem) and `training` (Training) as JSON.
    """
    options = Training.model_validate_json(fn_args.custom_config["training"])
    bound = BoundProblem.model_validate_json(fn_args.custom_config["bound"])
    statistics = read_statistics(Path(fn_args.transform_output), bound)
    network = fit(
        bound,
        statistics,
        training_source(fn_args.train_files),
        training_source(fn_args.eval_files),
        make_strategy(options.strategy, options.tpu),
        options,
        FitPaths(logs=Path(fn_args.model_run_dir)),
        feed=TfxFeed(fn_args.data_accessor.tf_dataset_factory, fn_args.transform_output),
    )
    schema = text_format.Parse(Path(fn_args.schema_file).read_text(encoding="utf-8"), schema_pb2.Schema())
    export(RowModel(bound, statistics, network), columns(schema), Path(fn_args.serving_model_dir))


class TfxFeed:
    """Batches of a split as TFX's data accessor makes them of transformed examples; see models.training.fit.Feed."""

    def __init__(self, factory: Factory, transform_output: str) -> None:
        self._factory = factory
        self._schema = tft.TFTransformOutput(transform_output).transformed_metadata.schema

    def __call__(
        self,
        strategy: tf.distribute.Strategy,  # noqa: ARG002 (stock TFX is measured on one device)
        source: Source,
        bound: BoundProblem,
        batch_size: int,
        *,
        training: bool,
        seed: int = 0,
        first_step: int = 0,
    ) -> tf.data.Dataset:
        """Shuffled batches without end for training, else the split once in order."""
        options = tfxio.TensorFlowDatasetOptions(
            batch_size=batch_size,
            label_key=bound.problem.label,
            shuffle=training,
            shuffle_buffer_size=SHUFFLED_ROWS,
            shuffle_seed=seed,
            num_epochs=None if training else 1,
        )
        batches = self._factory([str(path) for path in source.files], options, self._schema)
        return batches.skip(first_step) if first_step else batches
