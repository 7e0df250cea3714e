"""What the model is for, what it is not for, and what it answers."""

from reports.render.parts import Paragraph, Part, Topic, facts
from reports.runs.run import Run
from schema.problem import Task

_TASKS = {Task.BINARY: "binary classification", Task.MULTICLASS: "classification", Task.REGRESSION: "regression"}


def purpose(run: Run) -> Topic:
    """Description, task, label and classes."""
    problem = run.config["problem"]
    parts: list[Part] = [Paragraph(problem["description"])] if problem["description"] else []
    classes = problem["classes"] or ([] if run.task is Task.REGRESSION else ["0", "1"])
    values = [
        ("question", problem["title"]),
        ("task", _TASKS[run.task]),
        ("label", problem["label"]),
        ("classes", ", ".join(classes)),
        ("prediction", _predicted(run.task, classes)),
    ]
    if run.task is Task.BINARY:
        values.append(
            (f"class {classes[1]} is decided", f"from a probability of {problem['evaluation']['threshold']:g} on")
        )
    return Topic("Purpose", "purpose", [*parts, facts("Task", values)])


def _predicted(task: Task, classes: list[str]) -> str:
    if task is Task.REGRESSION:
        return "a value in the label's unit"
    return f"probability of {f'class {classes[1]}' if task is Task.BINARY else 'each class'}, 0 to 1"


def limits(run: Run) -> Topic:
    """What the model is not for, or that nobody has said so."""
    told = run.config["problem"]["limits"]
    return Topic("Limits", "limits", [Paragraph(told or "None are written down: problem.yaml has no limits.")])
