"""Ctrl-C, SIGTERM and SIGHUP."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
import threading
import time
import weakref
from collections.abc import Callable, Generator, Iterator

import pytest

from biolord_onnx.cli import interrupts
from biolord_onnx.cli.interrupts import Terminated, interrupted_once, terminated_once
from unit.runtime.command import PATIENCE

ENDING = [signal.SIGTERM, signal.SIGHUP]
ALL = [*ENDING, signal.SIGINT]


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
    """What cleans up after the first is not cut short; afterward Ctrl-C works as before."""
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
    """What cleans up isn't cut short by another one, whichever that is; afterward all is as before."""
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


class Dropped:
    """Something that may be asked to send a signal when it goes."""

    def __init__(self, number: signal.Signals | None = None) -> None:
        self.number = number

    def __del__(self) -> None:
        """Send the signal, whose handler then runs in here: what it raises has no caller to go to."""
        if self.number is not None:
            os.kill(os.getpid(), self.number)


def in_del(number: signal.Signals) -> None:
    """Lose what the handler raises."""
    Dropped(number)


def in_callback_of_weakref(number: signal.Signals) -> None:
    """Likewise."""
    dropped = Dropped()
    reference = weakref.ref(dropped, lambda _: os.kill(os.getpid(), number))
    del dropped
    assert reference() is None


def in_callback_from_c(number: signal.Signals) -> None:
    """Likewise."""
    ctypes.CFUNCTYPE(None)(lambda: os.kill(os.getpid(), number))()


def in_end_of_generator(number: signal.Signals) -> None:
    """Likewise, where nobody closes it."""

    def generate() -> Iterator[None]:
        try:
            yield
        finally:
            os.kill(os.getpid(), number)

    next(generate())


def in_code_that_drops_errors(number: signal.Signals) -> None:
    """Likewise, as libraries in C do when they look something up."""
    with contextlib.suppress(BaseException):
        os.kill(os.getpid(), number)


@pytest.mark.parametrize("number", ALL)
@pytest.mark.parametrize(
    "lose", [in_del, in_callback_of_weakref, in_callback_from_c, in_end_of_generator, in_code_that_drops_errors]
)
def test_a_signal_that_was_lost_comes_again(
    lose: Callable[[signal.Signals], None],
    number: signal.Signals,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """By itself, and nothing is printed of it: without that, the command would go on, and heed no signal any more."""
    monkeypatch.setattr(interrupts, "AGAIN_S", 0.05)

    def work() -> None:
        lose(number)
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            time.sleep(0.001)

    with pytest.raises(KeyboardInterrupt) as raised, interrupted_once(), terminated_once():
        work()
    assert isinstance(raised.value, Terminated) is (number != signal.SIGINT)
    assert capfd.readouterr().err == ""


def test_a_system_without_another_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """The exception comes all the same."""

    def fail(*_: object) -> int:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(interrupts, "start_new_thread", fail)
    with pytest.raises(Terminated), terminated_once():
        os.kill(os.getpid(), signal.SIGTERM)


def test_what_cleans_up_for_long_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Be it in a ``finally``, in the end of a context, or in a generator that one of them closes."""
    monkeypatch.setattr(interrupts, "AGAIN_S", 0.02)
    cleaned = []

    def generate() -> Generator[None, None, None]:
        try:
            yield
        finally:
            time.sleep(0.1)
            cleaned.append("generator")

    def work() -> None:
        running = generate()
        next(running)
        with contextlib.ExitStack() as stack:
            stack.callback(cleaned.append, "context")
            stack.callback(time.sleep, 0.1)
            stack.callback(running.close)
            try:
                press()
            finally:
                time.sleep(0.1)
                os.kill(os.getpid(), signal.SIGTERM)
                cleaned.append("finally")

    with pytest.raises(KeyboardInterrupt), interrupted_once(), terminated_once():
        work()
    assert cleaned == ["finally", "generator", "context"]


def test_what_fails_because_it_was_interrupted_is_not_what_ended_the_block() -> None:
    """Code that cleans up what it hadn't begun yet, say: argparse does."""

    def work() -> None:
        try:
            press()
        finally:
            int("ours")

    with pytest.raises(KeyboardInterrupt), interrupted_once():
        work()


def test_what_fails_by_itself_afterward_is() -> None:
    """Where somebody caught the interruption."""

    def work() -> None:
        with contextlib.suppress(KeyboardInterrupt):
            press()
        int("theirs")

    with pytest.raises(ValueError, match="theirs"), interrupted_once():
        work()


def test_no_exception_but_ours_is_kept_from_being_told() -> None:
    """Python prints those that have no caller to go to."""
    told: list[object] = []
    before, sys.unraisablehook = sys.unraisablehook, lambda unraisable: told.append(unraisable.exc_value)
    try:
        with interrupted_once():
            ctypes.CFUNCTYPE(None)(lambda: int("ours"))()
    finally:
        sys.unraisablehook = before
    assert [type(error) for error in told] == [ValueError]


def test_nobody_asks_again_when_the_block_has_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another block begins anew."""
    monkeypatch.setattr(interrupts, "AGAIN_S", 0.01)
    with pytest.raises(Terminated), terminated_once():
        os.kill(os.getpid(), signal.SIGTERM)
    with terminated_once():
        time.sleep(0.1)
    with pytest.raises(Terminated, match="SIGHUP"), terminated_once():
        os.kill(os.getpid(), signal.SIGHUP)


def test_a_handler_that_somebody_sets_meanwhile_has_taken_over() -> None:
    """As a server does: it has ended as asked, and a further Ctrl-C doesn't disturb the end of its process."""
    with interrupted_once(ends_process=True):
        signal.signal(signal.SIGINT, lambda *_: None)
        press()
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
