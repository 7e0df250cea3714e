"""Artifact types of our own."""

from tfx.types.artifact import Artifact, Property, PropertyType


class Verdict(Artifact):
    """A gate's decision: `verdict.json` with reasons."""

    TYPE_NAME = "Verdict"


class DeviceModels(Artifact):
    """LiteRT variants: `<variant>.tflite` files and `variants.json`, their scores and verdicts."""

    TYPE_NAME = "DeviceModels"
    PROPERTIES = {"accepted": Property(type=PropertyType.INT)}  # noqa: RUF012 (TFX reads a plain dict)
