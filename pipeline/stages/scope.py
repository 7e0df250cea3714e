"""What of a problem each node depends on.

A changed bound does not retrain, and a changed layer does not analyse the data again.
"""

from schema.bound import BoundProblem
from schema.problem import Anomalies, Data, Device, Evaluation, Network, Split


def encoding_scope(bound: BoundProblem) -> str:
    """The problem as JSON with only what the encodings depend on."""
    return _narrowed(bound, network=Network(), evaluation=Evaluation())


def model_scope(bound: BoundProblem) -> str:
    """The problem as JSON with only what an exported model depends on."""
    threshold = Evaluation(threshold=bound.problem.evaluation.threshold)
    return _narrowed(bound, network=bound.problem.network, evaluation=threshold)


def device_scope(bound: BoundProblem) -> str:
    """The problem as JSON with what device variants and their verdicts depend on."""
    threshold = Evaluation(threshold=bound.problem.evaluation.threshold)
    kept = BoundProblem.model_validate_json(_narrowed(bound, network=bound.problem.network, evaluation=threshold))
    problem = kept.problem.model_copy(update={"device": bound.problem.device, "split": bound.problem.split})
    return kept.model_copy(update={"problem": problem}).model_dump_json()


def _narrowed(bound: BoundProblem, network: Network, evaluation: Evaluation) -> str:
    problem = bound.problem.model_copy(
        update={
            "title": "",
            "description": "",
            "data": Data(path=""),
            "split": Split(),
            "network": network,
            "evaluation": evaluation,
            "device": Device(),
            "anomalies": Anomalies(),
        }
    )
    return bound.model_copy(update={"problem": problem}).model_dump_json()
