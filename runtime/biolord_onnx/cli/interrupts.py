"""Ctrl-C, pressed once or many times."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn


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


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:  # noqa: ARG001 - a handler's signature
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    raise KeyboardInterrupt
