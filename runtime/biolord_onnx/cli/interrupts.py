"""What ends a command from outside: Ctrl-C, pressed once or many times, and SIGTERM and SIGHUP.

The first of them raises an exception in the main thread, wherever that is. Where code has no caller to raise it in, in
a ``__del__``, a callback of a weak reference or of a library, Python prints it and goes on, and some code drops any
error that it meets. So the exception is raised again until the block ends, unless something is handling it: what
cleans up is left alone, however often the user presses Ctrl-C.
"""

from __future__ import annotations

import signal
import sys
import threading
import time
from _thread import interrupt_main, start_new_thread
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from types import FrameType
from typing import TYPE_CHECKING

from biolord_onnx.encoding.crew import run_traced

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

# Windows has no SIGHUP.
_ENDING = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))
# What cleans up without handling the exception, the end of a generator say, has this long to itself.
AGAIN_S = 1.0


class Terminated(KeyboardInterrupt):
    """SIGTERM or SIGHUP came; what cleans up after Ctrl-C does after these, too.

    Attributes:
        exit_code: As a shell reports a process that the signal ended.
    """

    def __init__(self, number: int) -> None:
        """Keep the signal's number."""
        super().__init__(signal.Signals(number).name)
        self.exit_code = 128 + number


class _Ending:
    """The handler of all signals, which are one where a block is to end.

    Attributes:
        raised: What the first of them raised; None before.
    """

    def __init__(self) -> None:
        self.raised: KeyboardInterrupt | None = None
        self._at = 0.0
        self._blocks = 0
        self._repeating = threading.Lock()
        self._quiet = False

    @contextmanager
    def block(self) -> Iterator[None]:
        """Keep what was raised until the outermost block has ended, whatever failed because of it meanwhile."""
        hook = sys.unraisablehook
        self._blocks += 1
        sys.unraisablehook = partial(self._lost, hook)
        try:
            yield
        except BaseException as error:
            if self.raised is not None and self.raised is not error and self._is_handled(error):
                raise self.raised from error
            raise
        finally:
            sys.unraisablehook = hook
            self._blocks -= 1
            self.raised = self.raised if self._blocks else None

    def be_quiet(self) -> None:
        """Call the handler no more: another one is going to have its place."""
        with self._repeating:
            self._quiet = True

    def __call__(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 - a handler's signature
        """Raise the exception, the first time and wherever it was lost."""
        if self.raised is None:
            self.raised = KeyboardInterrupt() if number == signal.SIGINT else Terminated(number)
            self._quiet = False
            with suppress(RuntimeError):  # where the system has no thread left, once must do
                start_new_thread(run_traced, (partial(self._repeat, self.raised, number),))
        elif self._is_handled(sys.exc_info()[1]) or time.monotonic() - self._at < AGAIN_S:
            return
        self._at = time.monotonic()
        raise self.raised

    def _is_handled(self, error: BaseException | None) -> bool:
        """Whether an ``except``, a ``finally`` or an ``__exit__`` is or was at work because of it."""
        while error is not None and error is not self.raised:
            error = error.__context__
        return error is not None

    def _lost(self, hook: Callable[[UnraisableHookArgs], object], unraisable: UnraisableHookArgs) -> None:
        """Take what Python would print: it isn't ignored."""
        if self.raised is None or unraisable.exc_value is not self.raised:
            hook(unraisable)
        self._at = 0.0

    def _repeat(self, raised: KeyboardInterrupt, number: int) -> None:
        while True:
            time.sleep(AGAIN_S / 4)
            with self._repeating:
                if self._quiet or self.raised is not raised:
                    return
                # Calls a handler, if there still is one, and never ends the process.
                interrupt_main(signal.Signals(number))


_end = _Ending()


@contextmanager
def interrupted_once(*, ends_process: bool = False) -> Iterator[None]:
    """Let the first Ctrl-C end the block, and no further one disturb that.

    Runs of the graph that are under way take a moment to end. An interpreter that leaves without them is aborted in the
    middle of onnxruntime, with an unhelpful complaint.

    Args:
        ends_process: Nothing follows the block but the interpreter's own end, which a further Ctrl-C would litter with
            a traceback, too: after a first one, it stays ignored.
    """
    before = signal.getsignal(signal.SIGINT)
    # Handlers belong to the main thread; another's is left alone, as is a parent's wish to ignore Ctrl-C.
    if threading.current_thread() is not threading.main_thread() or before is not signal.default_int_handler:
        yield
        return
    with _end.block():
        signal.signal(signal.SIGINT, _end)
        try:
            yield
        finally:
            _end.be_quiet()
            # A server has its own, which ended it as asked.
            pressed = _end.raised is not None or signal.getsignal(signal.SIGINT) is not _end
            signal.signal(signal.SIGINT, signal.SIG_IGN if pressed and ends_process else before)


@contextmanager
def terminated_once() -> Iterator[None]:
    """Let SIGTERM and SIGHUP end the block as Ctrl-C does, so that it can clean up; further signals don't disturb that.

    Raises:
        Terminated: One of them came.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    # nohup's wish to ignore SIGHUP stays, as does another handler.
    taken = [number for number in _ENDING if signal.getsignal(number) is signal.SIG_DFL]
    with _end.block():
        for number in taken:
            signal.signal(number, _end)
        try:
            yield
        finally:
            for number in taken:
                signal.signal(number, signal.SIG_DFL)
