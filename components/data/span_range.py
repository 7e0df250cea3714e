"""The data that a model learnt and was judged on, in words."""

from pathlib import Path

from components.data.span_store import read_spans


def data_window(examples: Path) -> str:
    """Which spans an Examples artifact has, as "spans 1 to 12"."""
    numbers = sorted(span.span for span in read_spans(examples))
    return f"span {numbers[0]}" if len(numbers) == 1 else f"spans {numbers[0]} to {numbers[-1]}"
