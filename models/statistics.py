"""What the encodings need to know of the training split, read back from a transform graph."""

from dataclasses import dataclass
from pathlib import Path

import tensorflow as tf
import tensorflow_transform as tft

from schema.bound import BoundProblem
from schema.problem import Encoding, Task

_PREFIX = "statistics_of_"


@dataclass(frozen=True)
class Statistics:
    """Statistics of the training split.

    vocabularies: terms by feature, most frequent first.
    boundaries: [minimum, quantiles.., maximum] by feature, ascending.
    label_mean, label_scale: of a regression label; 0 and 1 for other tasks.
    """

    vocabularies: dict[str, tuple[bytes, ...]]
    boundaries: dict[str, tuple[float, ...]]
    label_mean: float = 0.0
    label_scale: float = 1.0

    def ids(self, bound: BoundProblem, feature: str) -> int:
        """How many ids a categorical feature has, the ones for missing and unseen included."""
        if feature in self.vocabularies:
            return len(self.vocabularies[feature]) + 2
        minimum, maximum = bound.domains[feature]
        return maximum - minimum + 2


def named(values: tf.Tensor, feature: str) -> tf.Tensor:
    """`values` under a name by which read_statistics finds them in the transform graph; use what is returned.

    TFT keeps an analyzer's result as a constant of its graph and offers no way to read it: schema annotations, which
    are made for this, are switched off in its open-source build.
    """
    return tf.identity(values, name=f"{_PREFIX}{feature}")


def read_statistics(transform_graph: Path, bound: BoundProblem) -> Statistics:
    """The statistics in a TransformGraph artifact's folder."""
    output = tft.TFTransformOutput(str(transform_graph))
    boundaries = _named_values(output)
    problem = bound.problem
    mean, scale = boundaries.pop(problem.label) if problem.task is Task.REGRESSION else (0.0, 1.0)
    return Statistics(
        vocabularies={name: tuple(output.vocabulary_by_name(name)) for name in problem.of(Encoding.VOCABULARY)},
        boundaries=boundaries,
        label_mean=mean,
        label_scale=scale,
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
