"""Places for the names of marks: beside them where there is room, else farther off with a line to the mark."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

# Points: of a mark's half side, of a name's height, from which on a name has a line, and between tries of a place.
_MARK, _HEIGHT, _NEAR, _STEP = 6.0, 11.0, 10.0, 8.0
_TRIES, _ANGLES = 20, 24
# A crowd has more marks than this within so many points; how many widths around it are tried.
_FEW, _CROWD, _WIDER = 3, 40.0, 4
# The fault of a name that something is written over.
_UNREADABLE = 100

Point = tuple[float, float]


@dataclass(frozen=True)
class Label:
    """A name's place: its mark, its own middle, and half its width, in points."""

    mark: Point
    middle: Point
    half: float

    @property
    def end(self) -> Point:
        """Where a line from the mark meets the name."""
        (x, y), (left, down, right, up) = self.mark, self.box
        return min(max(x, left), right), min(max(y, down), up)

    @property
    def has_line(self) -> bool:
        """Whether the name is so far from its mark that a line must tell whose it is."""
        return math.dist(self.mark, self.end) > _NEAR

    @property
    def box(self) -> tuple[float, float, float, float]:
        """Left, lower, right and upper end."""
        x, y = self.middle
        return x - self.half, y - _HEIGHT / 2, x + self.half, y + _HEIGHT / 2


def placed(marks: Sequence[Point], widths: Sequence[float], area: Point, level: float | None = None) -> list[Label]:
    """A label a mark, in order.

    Where there is room, no name lies over a name, a mark or the level, and no line over a name, a line or a mark.

    Args:
        marks: from the lower left corner of the area.
        widths: of the names.
        area: its width and height.
        level: the height of a line across the area, if it has one.
    """
    # Names close around a crowd leave no way out to those in its middle: then all of it stands farther off.
    best: tuple[int, list[Label]] | None = None
    for least in range(_WIDER):
        total, found = _arranged(marks, widths, area, level, least)
        if best is None or total < best[0]:
            best = total, found
        if total < _UNREADABLE:
            break
    return best[1] if best else []


def _arranged(
    marks: Sequence[Point], widths: Sequence[float], area: Point, level: float | None, least: int
) -> tuple[int, list[Label]]:
    """How much is at fault, and the labels; those of a crowd are at least so many steps away."""
    near = [sum(math.dist(one, other) < _CROWD for other in marks) for one in marks]
    found: dict[int, Label] = {}
    total = 0
    # Those with the most others around them have the fewest places to choose from.
    for place in sorted(range(len(marks)), key=lambda one: (-near[one], marks[one])):
        half = widths[place] / 2
        # A name wider than the area lies on its mark.
        chosen, faults = Label(marks[place], marks[place], half), _UNREADABLE
        for label in _tries(marks[place], half, least if near[place] > _FEW else 0):
            if faults == 0:
                break
            others = _faults(label, marks, list(found.values()), level) if _is_inside(label, area) else faults
            if others < faults or (chosen.middle == chosen.mark and _is_inside(label, area)):
                chosen, faults = label, others
        found[place] = chosen
        total += faults
    return total, [found[place] for place in range(len(marks))]


def _tries(mark: Point, half: float, least: int) -> Iterator[Label]:
    """Places around a mark, the nearest first."""
    x, y = mark
    beside, above = half + _MARK + 1, _HEIGHT / 2 + _MARK + 1
    if not least:
        for across, up in ((0, above), (0, -above), (beside, 0), (-beside, 0)):
            yield Label(mark, (x + across, y + up), half)
    for step in range(1 + 2 * least, _TRIES + 1):
        for angle in np.linspace(0, 2 * math.pi, _ANGLES, endpoint=False):
            across, up = math.cos(angle), math.sin(angle)
            away = _MARK + step * _STEP
            yield Label(mark, (x + across * (away + half), y + up * (away + _HEIGHT / 2)), half)


def _is_inside(label: Label, area: Point) -> bool:
    left, down, right, up = label.box
    return left >= 0 and down >= 0 and right <= area[0] and up <= area[1]


def _faults(label: Label, marks: Sequence[Point], taken: Sequence[Label], level: float | None) -> int:
    """How much lies over each other, the worst counted for most."""
    line = (label.mark, label.end)
    others = [mark for mark in marks if math.dist(mark, label.mark) > 1]
    boxes = sum(_overlap(label.box, other.box) for other in taken)
    covered = sum(_overlap(label.box, _around(mark)) for mark in marks)
    crossed = sum(_meets(line, other.box) for other in taken) if label.has_line else 0
    crossed += sum(_meets((other.mark, other.end), label.box) for other in taken if other.has_line)
    passed = sum(_passes(line, mark) for mark in others) if label.has_line else 0
    lines = sum(
        _cross(line, (other.mark, other.end))
        for other in taken
        if label.has_line and other.has_line and math.dist(other.mark, label.mark) > 1
    )
    # A name that is written over cannot be read; a line beside a mark too many still can be followed.
    on_level = level is not None and _is_on(label, level)
    return _UNREADABLE * (boxes + crossed + lines) + 10 * (covered + on_level) + passed


def _is_on(label: Label, level: float) -> bool:
    return label.box[1] < level < label.box[3]


def _around(mark: Point) -> tuple[float, float, float, float]:
    return mark[0] - _MARK, mark[1] - _MARK, mark[0] + _MARK, mark[1] + _MARK


def _passes(line: tuple[Point, Point], mark: Point) -> bool:
    """Whether a line goes over a mark; away from one that its own mark lies on, it does not."""
    (x, y), (to_x, to_y) = line
    across, up = to_x - x, to_y - y
    share = ((mark[0] - x) * across + (mark[1] - y) * up) / (across**2 + up**2)
    return share > 0 and math.dist(mark, (x + min(share, 1) * across, y + min(share, 1) * up)) < _MARK


def _overlap(one: Sequence[float], other: Sequence[float]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _meets(line: tuple[Point, Point], box: Sequence[float]) -> bool:
    """Whether some point of a line is in a box."""
    begin, end = 0.0, 1.0
    for axis in (0, 1):
        start, way = line[0][axis], line[1][axis] - line[0][axis]
        low, high = box[axis], box[axis + 2]
        if way == 0:
            if not low < start < high:
                return False
            continue
        near, far = sorted(((low - start) / way, (high - start) / way))
        begin, end = max(begin, near), min(end, far)
    return begin < end


def _cross(one: tuple[Point, Point], other: tuple[Point, Point]) -> bool:
    """Whether two lines have a point in common."""
    (a, b), (c, d) = one, other
    return _side(a, b, c) * _side(a, b, d) <= 0 and _side(c, d, a) * _side(c, d, b) <= 0


def _side(a: Point, b: Point, c: Point) -> float:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
