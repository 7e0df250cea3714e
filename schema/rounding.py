"""Numbers as people read them."""


def rounded(value: float, form: str) -> str:
    """The number in a form such as `+.4f`, without a minus before a zero that rounding made."""
    sign = form[:1] if form[:1] in ("+", "-", " ") else ""
    return format(value, f"{sign}z{form.removeprefix(sign)}")
