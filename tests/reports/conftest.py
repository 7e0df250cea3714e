"""Evaluations worked out by hand, as nodes' tests have them."""

from tests.components.conftest import artifact, evaluate, first_evaluation, make_problem, second_evaluation, write_rows

__all__ = ["artifact", "evaluate", "first_evaluation", "make_problem", "second_evaluation", "write_rows"]
