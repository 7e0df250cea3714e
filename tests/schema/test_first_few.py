"""Many texts in one line."""

import pytest

from schema.first_few import first_few


@pytest.mark.parametrize(("texts", "said"), [(["a"], "a"), (["a", "b"], "a; b"), (["a", "b", "c"], "a; b and 1 more")])
def test_those_that_find_no_room_are_counted(texts: list[str], said: str) -> None:
    assert first_few(texts, 2) == said
