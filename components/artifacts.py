"""Artifact types of our own.

In a container of Kubeflow's a type is its name, which TFX imports as a path, and takes of one
dot, and without properties of its own: `components.Verdict`.
"""

from tfx.types.artifact import Artifact


class Verdict(Artifact):
    """A gate's decision: `verdict.json` with reasons."""

    TYPE_NAME = "components.Verdict"


class ModelCard(Artifact):
    """What a model is, for people: `model_card.html` and `model_card.md`."""

    TYPE_NAME = "components.ModelCard"


class RunReport(Artifact):
    """What a run did, where no file system is shared with it: `report.html` and `report.json`."""

    TYPE_NAME = "components.RunReport"


class DeviceModels(Artifact):
    """LiteRT variants: `<variant>.tflite` files and `variants.json`, their scores and verdicts.

    Its custom property `accepted` is the number of variants that passed.
    """

    TYPE_NAME = "components.DeviceModels"
