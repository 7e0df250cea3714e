"""The ways to make a device variant, by name."""

from collections.abc import Callable
from dataclasses import dataclass

from edge.dynamic import quantize_weights
from edge.half import halve
from edge.source import Source
from schema.closed import nearest
from schema.errors import InputError


@dataclass(frozen=True)
class Recipe:
    """A way to make a variant.

    Attributes:
        name: as in problem.yaml's device.variants; the file is called <name>.tflite.
        expectation: what to expect of its size, speed and loss.
        needs_calibration: whether training rows must be given.
        build: makes the bytes of the .tflite file.
        technique: what fine-tuning does to the trained model first, see schema.techniques; None takes it as it is.
    """

    name: str
    expectation: str
    needs_calibration: bool
    build: Callable[[Source], bytes]
    technique: str | None = None


_ALL = (
    Recipe(
        name="float32",
        expectation="the server model's answers to 1e-6; the reference for size and speed",
        needs_calibration=False,
        build=lambda source: source.float32,
    ),
    Recipe(
        name="float16",
        expectation="half the weights' bytes, answers to 1e-3, float32's speed",
        needs_calibration=False,
        build=lambda source: halve(source.float32),
    ),
    Recipe(
        name="dynamic_int8",
        expectation="a quarter of the weights' bytes, answers to about 0.005; needs no rows",
        needs_calibration=False,
        build=lambda source: quantize_weights(source.float32),
    ),
    Recipe(
        name="int8",
        expectation="a quarter of the weights' bytes, answers to about 0.01; integer arithmetic in the network",
        needs_calibration=True,
        build=lambda source: source.int8(),
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
