"""The ways to make a device variant, by name.

Three makers are at work. TensorFlow's converter ("tf_converter") makes the float32 file of a SavedModel, from which all
else starts, and quantizes weights and activations by calibrated ranges. AI Edge Quantizer ("ai_edge_quantizer") has
what the converter lacks: tables of four bits. It is not used for the eight-bit recipes: its static one keeps no raw
numbers in float unless every operator is named, its dynamic one leaves the tables in float (edge.passes.int4_embeddings
turns lookups into what it takes), and both give the same AUC at the same size, which a test of that module compares.
Float16 and dynamic int8 are written into the file's flatbuffer by this package ("flatbuffer"): the converter's float16
rounds quantile boundaries, and its dynamic range fails where two quantized tables meet.

To add a recipe, add a record below: nothing else knows their number.
"""

from collections.abc import Callable
from dataclasses import dataclass

from edge.convert.conversion_source import Source
from edge.passes.dynamic_range_int8 import quantize_weights
from edge.passes.float16 import halve
from edge.passes.int4_embeddings import quantize_tables
from schema.closed import nearest
from schema.errors import InputError
from schema.techniques import Technique


@dataclass(frozen=True)
class Recipe:
    """A way to make a variant.

    Attributes:
        name: as in problem.yaml's device.variants; the file is called <name>.tflite.
        expectation: what to expect of its size, speed and loss.
        backend: what does the quantization: tf_converter, ai_edge_quantizer, or flatbuffer (this package).
        technique: the training-time part, whose SavedModel it starts from; None for the trained model itself.
        needs_calibration: whether training rows must be given.
        build: makes the bytes of the .tflite file.
    """

    name: str
    expectation: str
    backend: str
    technique: Technique | None
    needs_calibration: bool
    build: Callable[[Source], bytes]


TF_CONVERTER = "tf_converter"
AI_EDGE_QUANTIZER = "ai_edge_quantizer"
FLATBUFFER = "flatbuffer"

_ALL = (
    Recipe(
        name="float32",
        expectation="the server model's answers to 1e-6; the reference for size and speed",
        backend=TF_CONVERTER,
        technique=None,
        needs_calibration=False,
        build=lambda source: source.float32,
    ),
    Recipe(
        name="float16",
        expectation="half the weights' bytes, answers to 1e-3, float32's speed",
        backend=FLATBUFFER,
        technique=None,
        needs_calibration=False,
        build=lambda source: halve(source.float32),
    ),
    Recipe(
        name="dynamic_int8",
        expectation="a quarter of the weights' bytes, answers to about 0.005; needs no rows",
        backend=FLATBUFFER,
        technique=None,
        needs_calibration=False,
        build=lambda source: quantize_weights(source.float32),
    ),
    Recipe(
        name="int8",
        expectation="a quarter of the weights' bytes, answers to about 0.01; integer arithmetic in the network; a "
        "scale for each channel of dense layers where that halves their rounding error",
        backend=TF_CONVERTER,
        technique=None,
        needs_calibration=True,
        build=lambda source: source.int8(),
    ),
    Recipe(
        name="int8_portable",
        expectation="as int8, with one scale a dense layer: right on runtimes before 2.10, which answer 0.5 for every "
        "row of a layer with a scale a channel; loses more where channels differ in range",
        backend=TF_CONVERTER,
        technique=None,
        needs_calibration=True,
        build=lambda source: source.int8(by_channel=False),
    ),
    Recipe(
        name="int4_embeddings",
        expectation="an eighth of the embeddings' bytes and a quarter of the dense layers', answers to about 0.02; "
        "needs no rows, and a runtime of 2.18 or later",
        backend=AI_EDGE_QUANTIZER,
        technique=None,
        needs_calibration=False,
        build=lambda source: quantize_tables(source.float32, table_bits=4),
    ),
    Recipe(
        name="pruned_int8",
        expectation="int8's size on disk, and about half of it when compressed: most weights are zero; loses what "
        "pruning loses, about 0.002 AUC",
        backend=TF_CONVERTER,
        technique=Technique.PRUNED,
        needs_calibration=True,
        build=lambda source: source.int8(),
    ),
    Recipe(
        name="clustered_int8",
        expectation="int8's size on disk, and about two thirds of it when compressed: a layer's weights have a few "
        "distinct values, which one scale a layer keeps few; loses what clustering loses, about 0.002 AUC",
        backend=TF_CONVERTER,
        technique=Technique.CLUSTERED,
        needs_calibration=True,
        build=lambda source: source.int8(by_channel=False),
    ),
    Recipe(
        name="qat_int8",
        expectation="int8's speed, and a scale for each channel of dense layers, as the training had that has seen the "
        "rounding of weights and activations; needs a runtime of 2.10 or later",
        backend=TF_CONVERTER,
        technique=Technique.QUANTIZATION_AWARE,
        needs_calibration=True,
        build=lambda source: source.int8(by_channel=True),
    ),
    Recipe(
        name="pruned_qat_int8",
        expectation="int8's size on disk, and less than half of it when compressed: most weights are zero, and "
        "training has seen the rounding of the others, to one scale a dense layer",
        backend=TF_CONVERTER,
        technique=Technique.PRUNED_QUANTIZATION_AWARE,
        needs_calibration=True,
        build=lambda source: source.int8(by_channel=False),
    ),
)

RECIPES: dict[str, Recipe] = {recipe.name: recipe for recipe in _ALL}


def find(name: str) -> Recipe:
    """The recipe called `name`.

    Raises:
        InputError: if there is none; offers the nearest name.
    """
    if name not in RECIPES:
        raise InputError(f"device.variants: no recipe '{name}'.{nearest(name, list(RECIPES))}")
    return RECIPES[name]
