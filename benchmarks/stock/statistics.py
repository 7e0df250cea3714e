"""What TFT's analyzers found, read back from a transform graph that the stock Transform wrote."""

from pathlib import Path

import tensorflow as tf
import tensorflow_transform as tft

from models.preprocessing.statistics import Statistics
from schema.bound import BoundProblem
from schema.problem import Encoding

_PREFIX = "statistics_of_"


def named(values: tf.Tensor, feature: str) -> tf.Tensor:
    """`values` under a name by which read_statistics finds them in the transform graph; use what is returned.

    TFT keeps an analyzer's result as a constant of its graph and offers no way to read it: schema annotations, which
    are made for this, are switched off in its open-source build.
    """
    return tf.identity(values, name=f"{_PREFIX}{feature}")


def read_statistics(transform_graph: Path, bound: BoundProblem) -> Statistics:
    """The statistics in a TransformGraph artifact's folder, of a binary problem."""
    output = tft.TFTransformOutput(str(transform_graph))
    vocabularies = bound.problem.of(Encoding.VOCABULARY)
    return Statistics(
        vocabularies={name: tuple(output.vocabulary_by_name(name)) for name in vocabularies},
        boundaries=_named_values(output),
    )


def _named_values(output: tft.TFTransformOutput) -> dict[str, tuple[float, ...]]:
    function = tf.saved_model.load(output.transform_savedmodel_dir).transform_fn
    tensors = {
        operation.name.rpartition(_PREFIX)[2]: operation.outputs[0].name
        for operation in function.graph.get_operations()
        if operation.type == "Identity" and operation.name.rpartition("/")[2].startswith(_PREFIX)
    }
    captures = zip(function.captured_inputs, function.graph.internal_captures, strict=True)
    # The analyzers' results are numbers that the function captured; tables are captured too and are not needed.
    feeds = {inner.name: outer.numpy() for outer, inner in captures if outer.dtype.is_floating}
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        tf.graph_util.import_graph_def(function.graph.as_graph_def(), name="")
        values = session.run(tensors, feeds)
    return {feature: tuple(float(number) for number in numbers) for feature, numbers in values.items()}
