"""Who has the metadata store, and that nobody has it once the run is stopped."""

import threading

import pytest

from pipeline.local.launcher import MetadataTurn

PATIENCE_SECONDS = 20


def test_one_thread_has_the_store_until_it_lends_it() -> None:
    turn, order = MetadataTurn(), []
    waiting = threading.Event()

    def other() -> None:
        waiting.set()
        with turn.taken():
            order.append("other")

    thread = threading.Thread(target=other)
    with turn.taken():
        thread.start()
        assert waiting.wait(PATIENCE_SECONDS)
        order.append("first")
        with turn.given_back():
            thread.join(PATIENCE_SECONDS)
        order.append("first again")
    assert order == ["first", "other", "first again"]


def test_once_stopped_nobody_gets_the_store() -> None:
    turn = MetadataTurn()
    turn.stop()
    with pytest.raises(KeyboardInterrupt), turn.taken():
        pytest.fail("the store was given out")


def test_who_has_lent_the_store_when_the_run_is_stopped_does_not_get_it_back() -> None:
    turn = MetadataTurn()
    with pytest.raises(KeyboardInterrupt), turn.taken(), turn.given_back():
        turn.stop()


def test_an_error_leaves_the_store_to_the_next() -> None:
    turn = MetadataTurn()
    with pytest.raises(ValueError, match="no"), turn.taken(), turn.given_back():
        raise ValueError("no")
    with turn.taken():
        pass
