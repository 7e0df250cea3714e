"""The condition that a node is under, for people."""

from typing import Any

from tfx.dsl.compiler import placeholder_utils
from tfx.proto.orchestration import placeholder_pb2

_NO_CONDITION = "an input is missing"


def why_skipped(node: Any) -> str:
    """Why TFX left out a node of the graph's IR that was chosen."""
    unmet = [_unmet(condition.placeholder_expression) for condition in node.inputs.conditionals.values()]
    # Which of several it was, TFX does not say.
    return f"condition not met: {' or '.join(unmet)}" if unmet else _NO_CONDITION


def _unmet(expression: Any) -> str:
    """What is so where the condition does not hold: `not blessed` of a property that should be 1."""
    comparison = expression.operator.compare_op
    name = comparison.lhs.operator.artifact_property_op.key
    if comparison.op != placeholder_pb2.ComparisonOperator.EQUAL or not name or not comparison.rhs.HasField("value"):
        return f"not {placeholder_utils.debug_str(expression)}"
    wanted = getattr(comparison.rhs.value, comparison.rhs.value.WhichOneof("value"))
    return f"not {name}" if wanted == 1 else f"{name} is not {wanted}"
