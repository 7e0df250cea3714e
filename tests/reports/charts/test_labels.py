"""Names beside marks: none over another, no line over a name, however the marks lie."""

import itertools
import random

import pytest

from reports.charts import labels

AREA = (450.0, 180.0)


@pytest.mark.parametrize("seed", range(8))
def test_no_name_and_no_line_lies_over_another(seed: int) -> None:
    draws = random.Random(seed)
    middle = (draws.uniform(120, 330), draws.uniform(60, 120))
    marks = [(draws.gauss(middle[0], 35), draws.gauss(middle[1], 18)) for _ in range(10)]
    widths = [draws.uniform(20, 90) for _ in marks]
    found = labels.placed(marks, widths, AREA, level=90.0)

    for one, other in itertools.combinations(found, 2):
        assert not labels._overlap(one.box, other.box)
    lines = [label for label in found if label.has_line]
    for line in lines:
        assert not any(labels._meets((line.mark, line.end), other.box) for other in found if other is not line)
    for one, other in itertools.combinations(lines, 2):
        assert not labels._cross((one.mark, one.end), (other.mark, other.end))


def test_each_label_keeps_to_its_mark_and_stays_inside() -> None:
    marks = [(2.0, 2.0), (448.0, 178.0), (225.0, 90.0)]
    found = labels.placed(marks, [80.0, 80.0, 80.0], AREA)

    assert [label.mark for label in found] == marks
    assert all(labels._is_inside(label, AREA) for label in found)


def test_a_mark_by_itself_has_its_name_above_it_and_no_line() -> None:
    (label,) = labels.placed([(225.0, 90.0)], [40.0], AREA)

    assert label.middle[0] == 225.0
    assert label.middle[1] > 90.0
    assert not label.has_line


@pytest.mark.parametrize(("other", "crosses"), [(((0.0, 10.0), (10.0, 0.0)), True), (((0.0, 1.0), (9.0, 10.0)), False)])
def test_lines_cross_where_they_have_a_point_in_common(
    other: tuple[labels.Point, labels.Point], *, crosses: bool
) -> None:
    assert labels._cross(((0.0, 0.0), (10.0, 10.0)), other) is crosses


@pytest.mark.parametrize(("mark", "passes"), [((20.0, 1.0), True), ((-3.0, 0.0), False), ((20.0, 9.0), False)])
def test_a_line_that_leaves_a_mark_behind_does_not_pass_over_it(mark: labels.Point, *, passes: bool) -> None:
    assert labels._passes(((0.0, 0.0), (40.0, 0.0)), mark) is passes
