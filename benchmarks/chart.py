"""A pair of bars a node, stock above ours, as an SVG picture that needs no other software to be drawn."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

_STOCK, _OURS, _TEXT, _GRID = "#9aa5b1", "#1f6feb", "#1b1f24", "#e3e7eb"
_WIDTH, _LEFT, _RIGHT, _TOP, _BOTTOM = 900, 170, 200, 74, 46
_BAR, _ROW = 13, 42
_TICKS = 5


@dataclass(frozen=True)
class Bars:
    """One node's pair: its name and the seconds of both sides."""

    name: str
    stock: float
    ours: float


def svg(title: str, subtitle: str, bars: Sequence[Bars]) -> str:
    """The chart; the axis is in seconds, and at each pair's end stands how many times faster ours is."""
    height = _TOP + _ROW * len(bars) + _BOTTOM
    step = tick_step(max(max(bar.stock, bar.ours) for bar in bars))
    scale = (_WIDTH - _LEFT - _RIGHT) / (step * _TICKS)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" font-family="sans-serif" '
        f'font-size="13" fill="{_TEXT}">',
        f'<rect width="{_WIDTH}" height="{height}" fill="white"/>',
        f'<text x="16" y="26" font-size="17" font-weight="bold">{escape(title)}</text>',
        f'<text x="16" y="46">{escape(subtitle)}</text>',
        *_legend(),
        *_axis(step, scale, height),
        *(part for place, bar in enumerate(bars) for part in _pair(bar, _TOP + _ROW * place, scale)),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def tick_step(largest: float) -> float:
    """The least of 1, 2 and 5 times a power of ten by which a few steps reach the largest value."""
    power = 1e-3
    while True:
        for factor in (1, 2, 5):
            if factor * power * _TICKS >= largest:
                return factor * power
        power *= 10


def _legend() -> list[str]:
    parts = []
    for x, colour, name in ((_WIDTH - 250, _STOCK, "stock TFX"), (_WIDTH - 140, _OURS, "this project")):
        parts += [f'<rect x="{x}" y="34" width="14" height="14" fill="{colour}"/>']
        parts += [f'<text x="{x + 20}" y="46">{name}</text>']
    return parts


def _axis(step: float, scale: float, height: int) -> list[str]:
    parts = []
    for tick in range(_TICKS + 1):
        x = _LEFT + tick * step * scale
        bottom = height - _BOTTOM
        parts += [f'<line x1="{x:.1f}" y1="{_TOP - 8}" x2="{x:.1f}" y2="{bottom}" stroke="{_GRID}"/>']
        parts += [f'<text x="{x:.1f}" y="{bottom + 18}" text-anchor="middle">{tick * step:g}</text>']
    return [*parts, f'<text x="{_LEFT}" y="{height - 8}">seconds, median</text>']


def _pair(bar: Bars, top: int, scale: float) -> list[str]:
    middle, end = top + _BAR + 5, _LEFT + max(bar.stock, bar.ours) * scale + 8
    times = f"{bar.stock / bar.ours:.1f} times" if bar.ours else ""
    parts = [f'<text x="{_LEFT - 10}" y="{middle}" text-anchor="end">{escape(bar.name)}</text>']
    for y, seconds, colour in ((top, bar.stock, _STOCK), (top + _BAR + 1, bar.ours, _OURS)):
        width = max(seconds * scale, 1)
        parts += [f'<rect x="{_LEFT}" y="{y}" width="{width:.1f}" height="{_BAR}" fill="{colour}"/>']
    numbers = f"{bar.stock:.1f} / {bar.ours:.1f} s"
    return [*parts, f'<text x="{end:.1f}" y="{middle}">{numbers}, <tspan font-weight="bold">{times}</tspan></text>']
