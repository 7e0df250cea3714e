"""What of a problem each node depends on.

A changed bound does not retrain, and a changed layer does not analyse the data again.
"""

from typing import Any

from models.training.training_options import Training
from schema.bound import BoundProblem
from schema.problem import Anomalies, Data, Device, Evaluation, Network, Problem, Split


def encoding_scope(bound: BoundProblem) -> str:
    """The problem as JSON with only what the encodings depend on."""
    return _narrowed(bound, network=Network(), evaluation=Evaluation())


def model_scope(bound: BoundProblem) -> str:
    """The problem as JSON with only what an exported model depends on."""
    threshold = Evaluation(threshold=bound.problem.evaluation.threshold)
    return _narrowed(bound, network=bound.problem.network, evaluation=threshold)


def fine_tuning_scope(bound: BoundProblem) -> str:
    """The problem as JSON with only what fine-tuned models depend on."""
    kept = BoundProblem.model_validate_json(model_scope(bound))
    device = Device(fine_tuning=bound.problem.device.fine_tuning)
    return kept.model_copy(update={"problem": kept.problem.model_copy(update={"device": device})}).model_dump_json()


def device_scope(bound: BoundProblem) -> str:
    """The problem as JSON with what device variants and their verdicts depend on."""
    given = bound.problem.evaluation
    judged = Evaluation(threshold=given.threshold, slices=given.slices, min_slice_rows=given.min_slice_rows)
    kept = BoundProblem.model_validate_json(_narrowed(bound, network=bound.problem.network, evaluation=judged))
    # The title stands in every file's metadata.
    told = {"device": bound.problem.device, "split": bound.problem.split, "title": bound.problem.title}
    problem = kept.problem.model_copy(update=told)
    return kept.model_copy(update={"problem": problem}).model_dump_json()


def bundle_scope(bound: BoundProblem) -> str:
    """The problem as JSON with what a device bundle shows of it: its texts, and the data's source and licence."""
    told, data = bound.problem, bound.problem.data
    kept = BoundProblem.model_validate_json(model_scope(bound))
    texts = {"title": told.title, "data": Data(path="", source=data.source, license=data.license)}
    problem = kept.problem.model_copy(update={**texts, "network": Network()})
    return kept.model_copy(update={"problem": problem}).model_dump_json()


def card_scope(problem: Problem, training: Training) -> dict[str, Any]:
    """Of config.json what a model card shows: whatever else of it changes makes no new version."""
    shown = {"name", "title", "description", "limits", "task", "label", "classes", "features", "network"}
    judged = {
        "evaluation": {"threshold", "min_slice_rows"},
        "device": {"max_metric_drop", "max_slice_drop", "drop_unit", "max_flip_rate", "min_accepted"},
    }
    kept = problem.model_dump(mode="json", include={**dict.fromkeys(shown, True), "split": True, **judged})
    trained = training.model_dump(mode="json", include={"strategy", "workers", "local_workers", "warm_start", "seed"})
    return {"problem": kept, "environment": {"training": trained}}


def _narrowed(bound: BoundProblem, network: Network, evaluation: Evaluation) -> str:
    problem = bound.problem.model_copy(
        update={
            "title": "",
            "description": "",
            "limits": "",
            "data": Data(path=""),
            "split": Split(),
            "network": network,
            "evaluation": evaluation,
            "device": Device(),
            "anomalies": Anomalies(),
        }
    )
    return bound.model_copy(update={"problem": problem}).model_dump_json()
