"""Numbers as people read them."""

import math

# Four places show no two digits of a metric that is smaller, and more than float32 has of one that is larger.
_SHOWN = (1e-3, 1e7)


def metric_form(metric: float | None, sign: str = "", places: int = 4) -> str:
    """The form of a metric and of its changes: some places, or as many digits where those would not show it.

    Args:
        metric: as the metric is, in whatever unit: 0 and what is no number have places.
        sign: as in a format; "+" for changes.
        places: after the point, or digits in all.
    """
    if not metric or not math.isfinite(metric) or _SHOWN[0] <= abs(metric) < _SHOWN[1]:
        return f"{sign}.{places}f"
    return f"{sign}.{places - 1}e"


def metric_text(metric: float) -> str:
    """A metric in its form."""
    return rounded(metric, metric_form(metric))


def rounded(value: float, form: str) -> str:
    """The number in a form such as `+.4f` or `,d`, without a minus before a zero that rounding made."""
    if form.endswith("d"):
        # Of integers, which have one zero.
        return format(value, form)
    sign = form[:1] if form[:1] in ("+", "-", " ") else ""
    return format(value, f"{sign}z{form.removeprefix(sign)}")
