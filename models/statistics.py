"""What the encodings need to know of the training split, read back from a transform graph."""

from dataclasses import dataclass
from pathlib import Path

import tensorflow as tf
import tensorflow_transform as tft
from tensorflow_transform import annotations_pb2

from schema.bound import BoundProblem
from schema.problem import Encoding, Task


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


def attach(tensor: tf.Tensor, values: tf.Tensor) -> None:
    """Writes float `values` [K] into the transform graph's schema, as bucket boundaries of `tensor`'s feature."""
    message = tf.raw_ops.EncodeProto(
        sizes=[[tf.size(values)]],
        values=[tf.cast(tf.expand_dims(values, 0), tf.float32)],
        field_names=["boundaries"],
        message_type=annotations_pb2.BucketBoundaries.DESCRIPTOR.full_name,
        descriptor_source=_descriptor_source(),
    )
    name = annotations_pb2.BucketBoundaries.DESCRIPTOR.full_name
    tft.annotate(f"type.googleapis.com/{name}", message[0], tensor=tensor)


def _descriptor_source() -> bytes:
    from google.protobuf import descriptor_pb2

    files = descriptor_pb2.FileDescriptorSet()
    annotations_pb2.BucketBoundaries.DESCRIPTOR.file.CopyToProto(files.file.add())
    return b"bytes://" + files.SerializeToString()


def read_statistics(transform_graph: Path, bound: BoundProblem) -> Statistics:
    """The statistics in a TransformGraph artifact's folder."""
    output = tft.TFTransformOutput(str(transform_graph))
    boundaries = _attached(output)
    problem = bound.problem
    mean, scale = boundaries.pop(problem.label) if problem.task is Task.REGRESSION else (0.0, 1.0)
    return Statistics(
        vocabularies={name: tuple(output.vocabulary_by_name(name)) for name in problem.of(Encoding.VOCABULARY)},
        boundaries=boundaries,
        label_mean=mean,
        label_scale=scale,
    )


def _attached(output: tft.TFTransformOutput) -> dict[str, tuple[float, ...]]:
    found: dict[str, tuple[float, ...]] = {}
    for feature in output.transformed_metadata.schema.feature:
        for annotation in feature.annotation.extra_metadata:
            message = annotations_pb2.BucketBoundaries()
            if annotation.Unpack(message):
                found[feature.name] = tuple(message.boundaries)
    return found
