"""The floor of each node, from what the elementary steps take (see benchmarks.floors)."""


def node_floors(steps: dict[str, float], step_seconds: float, train_steps: int) -> dict[str, tuple[float, str]]:
    """The floor of each node in seconds, and what it is made of.

    Args:
        steps: seconds of each elementary step, as `benchmarks.floors` finds them.
        step_seconds: of one train step.
        train_steps: how many the Trainer makes.
    """
    return {
        "ExampleGen": (_sum(steps, "parse", "encode", "write"), "parse CSV, encode, write"),
        "StatisticsGen": (_sum(steps, "read", "decode"), "read, decode"),
        "Transform": (_sum(steps, "read", "decode", "encode", "write"), "read, decode, encode, write"),
        "Trainer": (step_seconds * train_steps, f"{train_steps:,} train steps"),
        "Evaluator": (_sum(steps, "read_test", "predict_test"), "read and predict the test split"),
    }


def _sum(steps: dict[str, float], *names: str) -> float:
    return sum(steps[name] for name in names)
