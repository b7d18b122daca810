"""What ends a command from outside: Ctrl-C, pressed once or many times, and SIGTERM and SIGHUP."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

# Windows has no SIGHUP.
_ENDING = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))


class Terminated(KeyboardInterrupt):
    """SIGTERM or SIGHUP came; what cleans up after Ctrl-C does after these, too.

    Attributes:
        exit_code: as a shell reports a process that the signal ended.
    """

    def __init__(self, number: int) -> None:
        """Keep the signal's number."""
        super().__init__(signal.Signals(number).name)
        self.exit_code = 128 + number


@contextmanager
def interrupted_once(*, ends_process: bool = False) -> Iterator[None]:
    """Let the first Ctrl-C end the block, and no further one disturb that.

    Runs of the graph that are under way take a moment to end. An interpreter that leaves without them is aborted in the
    middle of onnxruntime, with a complaint that helps nobody.

    Args:
        ends_process: nothing follows the block but the interpreter's own end, which a further Ctrl-C would litter with
            a traceback, too: after a first one, it stays ignored.
    """
    before = signal.getsignal(signal.SIGINT)
    # Handlers belong to the main thread, and somebody else's is left alone, as is a parent's wish to ignore Ctrl-C.
    if threading.current_thread() is not threading.main_thread() or before is not signal.default_int_handler:
        yield
        return
    signal.signal(signal.SIGINT, _interrupt)
    try:
        yield
    finally:
        pressed = signal.getsignal(signal.SIGINT) is signal.SIG_IGN
        if not (pressed and ends_process):
            signal.signal(signal.SIGINT, before)


@contextmanager
def terminated_once() -> Iterator[None]:
    """Let SIGTERM and SIGHUP end the block as Ctrl-C does, so that it can clean up; further signals don't disturb that.

    Raises:
        Terminated: one of them came.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    # nohup's wish to ignore SIGHUP stays, as does somebody else's handler.
    taken = [number for number in _ENDING if signal.getsignal(number) is signal.SIG_DFL]
    for number in taken:
        signal.signal(number, _terminate)
    try:
        yield
    finally:
        for number in taken:
            signal.signal(number, signal.SIG_DFL)


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:  # noqa: ARG001 - a handler's signature
    _ignore_further()
    raise KeyboardInterrupt


def _terminate(number: int, frame: FrameType | None) -> NoReturn:  # noqa: ARG001 - likewise
    _ignore_further()
    raise Terminated(number)


def _ignore_further() -> None:
    for number in (signal.SIGINT, *_ENDING):
        if signal.getsignal(number) in {_interrupt, _terminate}:
            signal.signal(number, signal.SIG_IGN)
