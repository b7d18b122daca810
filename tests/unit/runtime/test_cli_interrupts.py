"""Ctrl-C, SIGTERM and SIGHUP."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator

import pytest

from biolord_onnx.cli.interrupts import Terminated, interrupted_once, terminated_once

ENDING = [signal.SIGTERM, signal.SIGHUP]


@pytest.fixture(autouse=True)
def usual_handler() -> Iterator[None]:
    """Begin with Python's own handler, and leave what was there."""
    before = {number: signal.signal(number, signal.SIG_DFL) for number in ENDING}
    before[signal.SIGINT] = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


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


@pytest.mark.parametrize("number", ENDING)
def test_a_signal_ends_the_block_as_ctrl_c_does(number: signal.Signals) -> None:
    """What cleans up isn't cut short by another one, whichever that is; afterwards all is as before."""
    cleaned = []

    def work() -> None:
        with interrupted_once(), terminated_once():
            try:
                os.kill(os.getpid(), number)
            finally:
                for further in (*ENDING, signal.SIGINT):
                    os.kill(os.getpid(), further)
                cleaned.append(True)

    with pytest.raises(Terminated, match=number.name) as raised:
        work()
    assert cleaned
    assert raised.value.exit_code == 128 + number
    assert [signal.getsignal(ending) for ending in ENDING] == [signal.SIG_DFL] * 2


def test_a_signal_does_not_disturb_the_end_after_ctrl_c() -> None:
    """Supervisors send SIGTERM when SIGINT takes its time."""
    cleaned = []

    def work() -> None:
        with interrupted_once(), terminated_once():
            try:
                press()
            finally:
                os.kill(os.getpid(), signal.SIGTERM)
                cleaned.append(True)

    with pytest.raises(KeyboardInterrupt) as raised:
        work()
    assert cleaned
    assert not isinstance(raised.value, Terminated)


def test_ignored_signals_stay_ignored() -> None:
    """Nohup's wish, and other handlers are left alone."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with terminated_once():
        os.kill(os.getpid(), signal.SIGHUP)
        assert signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL
    assert [signal.getsignal(ending) for ending in ENDING] == [signal.SIG_DFL, signal.SIG_IGN]


def test_another_thread_takes_no_signals() -> None:
    """Python would refuse it."""
    found = []

    def work() -> None:
        with terminated_once():
            found.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [signal.SIG_DFL]
