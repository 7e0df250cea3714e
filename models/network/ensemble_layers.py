"""Layers of an ensemble in one network: members share the large weights and scale them each in its own way.

With shared dense layers, M rank-one members cost little more than one network (TabM, Gorishniy et al., 2024,
arXiv:2410.24210).
"""

from collections.abc import Callable, Sequence

import tensorflow as tf
import tf_keras

from models.network.weight_transforms import PLAIN, Role, Treatment


class MemberDense(tf_keras.layers.Layer):
    """One rectified dense layer for all members, of values that each member scales: to [N, members, units].

    Values are [N, D] that all members see, or [N, members, D] of their own; or a pair of [N, D1] and [N, D2] to be
    joined, the second of which depends on no weight. With random signs members differ from the first step. A treatment
    says what the layer sees of its weights and values.
    """

    def __init__(
        self,
        units: int,
        members: int,
        random_signs: bool = False,
        treatment: Treatment = PLAIN,
        **options: object,
    ) -> None:
        super().__init__(**options)
        self.units, self.members, self.random_signs, self.treatment = units, members, random_signs, treatment

    def build(self, shape: tf.TensorShape | Sequence[tf.TensorShape]) -> None:
        """Creates the scales, unless there is but one member, the kernel and the bias."""
        size = shape[-1] if isinstance(shape, tf.TensorShape) else sum(part[-1] for part in shape)
        if self.members > 1:
            start = _random_signs if self.random_signs else "ones"
            self.scale = self.add_weight("scale", [self.members, size], initializer=start)
            self.treatment.attach(self.scale, Role.FACTOR)
        self.kernel = self.add_weight("kernel", [size, self.units], initializer="glorot_uniform")
        self.treatment.attach(self.kernel, Role.DENSE)
        self.bias = self.add_weight("bias", [self.units], initializer="zeros")

    def call(self, values: tf.Tensor | Sequence[tf.Tensor], training: bool = False) -> tf.Tensor:
        """Computes the layer."""
        parts = [values] if isinstance(values, tf.Tensor) else list(values)
        if training and len(parts[0].shape) == 2 and not self.treatment.rounds_values:
            return self._with_scaled_kernel(parts)
        values = tf.concat(parts, axis=1) if len(parts) > 1 else parts[0]
        # Those of an earlier layer are rounded there.
        return self._with_scaled_values(self.treatment.value(values) if len(values.shape) == 2 else values)

    def _with_scaled_values(self, values: tf.Tensor) -> tf.Tensor:
        if self.members > 1:
            values = (values[:, tf.newaxis] if len(values.shape) == 2 else values) * self._seen(self.scale, Role.FACTOR)
            values = self.treatment.value(values)
        # Rows and members as one axis: a plain matrix product, which devices quantize, where one on three axes
        # becomes a Tensordot that computes shapes.
        flat = tf.matmul(tf.reshape(values, [-1, values.shape[-1]]), self._seen(self.kernel, Role.DENSE))
        flat = self.treatment.value(tf.nn.relu(tf.nn.bias_add(flat, self.bias)))
        return tf.reshape(flat, [-1, self.members, self.units])

    def _with_scaled_kernel(self, parts: Sequence[tf.Tensor]) -> tf.Tensor:
        # The same numbers without [N, members, D], which is larger than all else in a train step. A device would have
        # to hold a kernel of each member for it.
        kernel = self._seen(self.kernel, Role.DENSE)
        if self.members > 1:
            kernel = tf.transpose(self._seen(self.scale, Role.FACTOR))[:, :, tf.newaxis] * kernel[:, tf.newaxis]
            kernel = tf.reshape(kernel, [-1, self.members * self.units])
        flat = _joined_product(*parts, kernel) if len(parts) > 1 else tf.matmul(parts[0], kernel)
        flat = tf.nn.relu(tf.nn.bias_add(flat, tf.tile(self.bias, [self.members])))
        return tf.reshape(flat, [-1, self.members, self.units])

    def _seen(self, weight: tf.Variable, role: Role) -> tf.Tensor:
        return self.treatment.weight(weight.name, tf.convert_to_tensor(weight), role)

    def get_config(self) -> dict[str, object]:
        """Constructor arguments, without the treatment."""
        own = {"units": self.units, "members": self.members, "random_signs": self.random_signs}
        return {**super().get_config(), **own}


class MemberScale(tf_keras.layers.Layer):
    """A vector of scales of each member's own: [N, members, D] to the same."""

    def build(self, shape: tf.TensorShape) -> None:
        """Creates the scales."""
        self.scale = self.add_weight("scale", [shape[1], shape[2]], initializer="ones")

    def call(self, values: tf.Tensor) -> tf.Tensor:
        """Scales the values."""
        return values * self.scale


class MemberHead(tf_keras.layers.Layer):
    """A linear output of each member's own: [N, M, D] to [N, M, outputs]."""

    def __init__(self, outputs: int, **options: object) -> None:
        super().__init__(**options)
        self.outputs = outputs

    def build(self, shape: tf.TensorShape) -> None:
        """Creates weights and biases."""
        self.kernel = self.add_weight("kernel", [shape[1], shape[2], self.outputs], initializer="glorot_uniform")
        self.bias = self.add_weight("bias", [shape[1], self.outputs], initializer="zeros")

    def call(self, values: tf.Tensor) -> tf.Tensor:
        """Computes the logits."""
        # A product and a sum rather than einsum: it stays a LiteRT builtin whatever the number of members.
        return tf.reduce_sum(values[:, :, :, tf.newaxis] * self.kernel, axis=2) + self.bias

    def get_config(self) -> dict[str, object]:
        """Constructor arguments."""
        return {**super().get_config(), "outputs": self.outputs}


@tf.custom_gradient
def _joined_product(
    learned: tf.Tensor, given: tf.Tensor, kernel: tf.Tensor
) -> tuple[tf.Tensor, Callable[[tf.Tensor], tuple[tf.Tensor, None, tf.Tensor]]]:
    """[N, D1] and [N, D2], joined, times [D1 + D2, U]; `given` gets no gradient.

    The gradient of a concatenation is computed in full, and with it that of `given`, a sixth of a step's products.
    """
    values = tf.concat([learned, given], axis=1)

    def gradient(of_product: tf.Tensor) -> tuple[tf.Tensor, None, tf.Tensor]:
        of_learned = tf.matmul(of_product, kernel[: learned.shape[1]], transpose_b=True)
        return of_learned, None, tf.matmul(values, of_product, transpose_a=True)

    return tf.matmul(values, kernel), gradient


def _random_signs(shape: tuple[int, ...], dtype: tf.DType | None = None, **_: object) -> tf.Tensor:
    return tf.cast(tf.where(tf.random.uniform(shape) < 0.5, -1.0, 1.0), dtype or tf.float32)
