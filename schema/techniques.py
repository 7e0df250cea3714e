"""What fine-tuning can do to a trained model before a recipe quantizes it, by name."""

from enum import StrEnum


class Technique(StrEnum):
    """A training-time technique; a recipe without one takes the trained model as it is.

    pruned                     the smallest weights become 0, so that a file packs small.
    clustered                  a weight takes one of a few values, so that a file packs small.
    quantization_aware         the network learns with the rounding of an int8 model.
    pruned_quantization_aware  both the first and the third.
    """

    PRUNED = "pruned"
    CLUSTERED = "clustered"
    QUANTIZATION_AWARE = "quantization_aware"
    PRUNED_QUANTIZATION_AWARE = "pruned_quantization_aware"
