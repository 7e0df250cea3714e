"""Numbers as people read them."""


def rounded(value: float, form: str) -> str:
    """The number in a form such as `+.4f` or `,d`, without a minus before a zero that rounding made."""
    if form.endswith("d"):
        # Of integers, which have one zero.
        return format(value, form)
    sign = form[:1] if form[:1] in ("+", "-", " ") else ""
    return format(value, f"{sign}z{form.removeprefix(sign)}")
