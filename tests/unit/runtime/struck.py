"""Ctrl-C at a chosen place: an exception between two steps of a thread, where Python would call a signal's handler."""

from __future__ import annotations

import dis
import gc
import sys
import threading
from collections.abc import Callable
from functools import cache
from types import CodeType, FrameType
from typing import Any

# Behind these, the interpreter looks whether a signal has come.
_LOOKS = frozenset({"CALL", "CALL_FUNCTION_EX", "CALL_KW", "JUMP_BACKWARD", "RESUME"})


class Struck:
    """A thread that does some work and is interrupted in it.

    Attributes:
        error: what came out of the work.
        seen: places where it could have been interrupted, until it was.
        where: it was interrupted.
    """

    def __init__(self, work: Callable[[], object], at: int | None) -> None:
        """Start the work, to be interrupted at a place of this number, or never."""
        self.error: BaseException | None = None
        self.seen = 0
        self.where = ""
        self._work = work
        self._at = at
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def ended_within(self, seconds: float) -> bool:
        """Wait for the end, but not forever."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def _run(self) -> None:
        gc.disable()  # what a callback of the garbage collector raises is lost, and libraries of the tests have some
        sys.settrace(self._trace)
        try:
            self._work()
        except BaseException as error:  # noqa: BLE001 - looked at by the test
            self.error = error
        finally:
            sys.settrace(None)
            gc.enable()

    def _trace(self, frame: FrameType, event: str, _: Any) -> Any:  # noqa: ANN401 - as `sys.settrace` has it
        # What a callback of a weak reference raises is lost: those of an earlier test's thread may be called in here.
        if frame.f_code is Struck._run.__code__ or frame.f_code.co_filename.endswith("_weakrefset.py"):
            return None
        frame.f_trace_opcodes = True
        if event == "opcode" and frame.f_lasti in _places(frame.f_code):
            self.seen += 1
            if self.seen - 1 == self._at:
                self.where = f"{frame.f_code.co_filename}:{frame.f_lineno}"
                sys.settrace(None)
                raise KeyboardInterrupt
        return self._trace


def places(work: Callable[[], object]) -> int:
    """Count the places where some work can be interrupted."""
    whole = Struck(work, None)
    assert whole.ended_within(60)
    assert whole.error is None
    return whole.seen


@cache
def _places(code: CodeType) -> frozenset[int]:
    found, before = set(), ""
    for instruction in dis.get_instructions(code):
        if before in _LOOKS:
            found.add(instruction.offset)
        before = instruction.opname
    return frozenset(found)
