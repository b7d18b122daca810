"""A function beside its caller."""

from __future__ import annotations

import threading

import pytest

from biolord_onnx.background import Background


def test_it_runs_while_the_caller_goes_on() -> None:
    """In another thread, from the start."""
    may_end = threading.Event()

    def wait() -> str:
        assert may_end.wait(timeout=10)
        return threading.current_thread().name

    beside = Background(wait)
    may_end.set()
    assert beside.result() == "biolord-background"


def test_the_result_can_be_asked_for_again() -> None:
    """It was computed once, and no thread is left."""
    before = threading.active_count()
    calls: list[int] = []
    beside = Background(lambda: calls.append(1))
    assert (beside.result(), beside.result()) == (None, None)
    assert calls == [1]
    assert threading.active_count() == before


def test_its_error_is_the_callers() -> None:
    """Raised where the result is asked for, however it was meant."""

    def fail() -> None:
        raise KeyboardInterrupt("lost")

    beside = Background(fail)
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt, match="lost"):
            beside.result()
