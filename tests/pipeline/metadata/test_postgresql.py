"""Texts with backslashes come back from PostgreSQL as they were."""

import pytest

from pipeline.metadata.postgresql import with_backslashes, without_backslashes


@pytest.mark.parametrize("text", ["", "plain", "\\", "\\\\b", "\x1a", "\x1ab\\\x1as", '{"a": "\\"\\n"}', "\x1a\x1a\\b"])
def test_a_text_comes_back_as_it_was(text: str) -> None:
    kept = without_backslashes(text)
    assert "\\" not in kept
    assert with_backslashes(kept) == text


def test_a_text_without_them_is_kept_as_it_is() -> None:
    assert without_backslashes("flights: 'late' Größe") == "flights: 'late' Größe"
