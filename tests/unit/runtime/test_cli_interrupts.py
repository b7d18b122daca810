"""Ctrl-C."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator

import pytest

from biolord_onnx.cli.interrupts import interrupted_once


@pytest.fixture(autouse=True)
def usual_handler() -> Iterator[None]:
    """Begin with Python's own handler, and leave what was there."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def press() -> None:
    """Do what a terminal does at Ctrl-C."""
    os.kill(os.getpid(), signal.SIGINT)


def test_the_first_ends_the_block_and_the_others_change_nothing() -> None:
    """What cleans up after the first is not cut short; afterwards Ctrl-C works as before."""
    cleaned = []

    def work() -> None:
        try:
            press()
        finally:
            press()
            press()
            cleaned.append(True)

    with pytest.raises(KeyboardInterrupt), interrupted_once():
        work()
    assert cleaned
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    with pytest.raises(KeyboardInterrupt):
        press()


def test_the_end_of_the_process_is_not_disturbed_either() -> None:
    """Between the command's end and the interpreter's, threads are joined: a traceback there helps nobody."""
    with pytest.raises(KeyboardInterrupt), interrupted_once(ends_process=True):
        press()
    press()
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN


def test_a_process_that_ends_by_itself_can_still_be_interrupted() -> None:
    """Only a first Ctrl-C makes the others needless."""
    with interrupted_once(ends_process=True):
        pass
    with pytest.raises(KeyboardInterrupt):
        press()


def test_nothing_is_left_behind_without_a_ctrl_c() -> None:
    """A command that ends by itself changes nothing."""
    with interrupted_once():
        assert signal.getsignal(signal.SIGINT) is not signal.default_int_handler
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_another_handler_is_left_alone() -> None:
    """Nohup's wish to ignore it, say."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with interrupted_once():
        press()
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN


def test_another_thread_sets_no_handler() -> None:
    """Python would refuse it."""
    failures = []

    def work() -> None:
        try:
            with interrupted_once():
                assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
        except (ValueError, AssertionError) as error:
            failures.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert failures == []
