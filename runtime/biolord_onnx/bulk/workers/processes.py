"""Parts encoded by several processes."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from functools import partial
from queue import SimpleQueue

from biolord_onnx.bulk.parts import Part
from biolord_onnx.bulk.workers.messages import Answer, receive_answer, send
from biolord_onnx.bulk.workers.work import Encoded
from biolord_onnx.encode_options import EncodeOptions
from biolord_onnx.encoding.crew import Crew
from biolord_onnx.encoding.info import EncodeInfo
from biolord_onnx.encoding.texts import Inputs
from biolord_onnx.errors import BiolordError
from biolord_onnx.loading import LoadOptions

# Parts beyond those being encoded: a process that is done goes on at once.
AHEAD = 1
# Finds this package where this process found it; -P, because a file in the working folder is no module of ours.
# Without a whole line the parent is gone already, and there is no one to tell.
_START = (
    "import json, sys; line = sys.stdin.buffer.readline(); line[-1:] == b'\\n' or sys.exit(1); "
    "sys.path[:] = json.loads(line); from biolord_onnx.bulk.workers.worker import main; main()"
)


def encode_in_processes(parts: Iterable[Part], session: LoadOptions, options: EncodeOptions, workers: int) -> Encoded:
    """Encode parts in several processes, each with an embedder of its own.

    Args:
        parts: Drawn as processes get free.
        session: How each loads the artifact.
        options: How each encodes.
        workers: Processes.

    Yields:
        Each part and its vectors, in order.

    Raises:
        BiolordError: A process was killed, for want of memory, say; or what `Embedder.encode` raises.
    """
    crew = _Workers(session, options, workers)
    running: deque[Part] = deque()
    try:
        for part in parts:
            running.append(part)
            crew.submit(part.texts)
            if len(running) == workers + AHEAD:
                yield running.popleft(), crew.result()
        crew.dismiss()
        while running:
            yield running.popleft(), crew.result()
    finally:
        # Somebody interrupted, or a disk is full: what the processes are at is of no use to anyone.
        crew.end()


class _Workers:
    """Worker processes, each of which works for whichever thread takes it."""

    def __init__(self, session: LoadOptions, options: EncodeOptions, most: int) -> None:
        self._session = session
        self._options = options
        self._most = most
        self._all: list[_Worker] = []
        self._idle: SimpleQueue[_Worker] = SimpleQueue()
        self._threads: Crew[EncodeInfo | None] = Crew(most)

    def submit(self, texts: Inputs) -> None:
        """Have texts encoded by the next process that is free."""
        if len(self._all) < self._most:
            worker = _Worker(self._session, self._options)
            self._all.append(worker)
            self._idle.put(worker)
        self._threads.submit(partial(self._encode, texts))

    def result(self) -> EncodeInfo:
        """Wait for the first texts, and no longer than until others fail."""
        info = self._threads.result()
        assert info is not None
        return info

    def dismiss(self) -> None:
        """Let each process go as soon as nothing more waits for one."""
        for _ in self._all:
            self._threads.submit(lambda: self._idle.get().end())

    def end(self) -> None:
        """End all processes, whatever they are at."""
        for worker in self._all:
            worker.kill()
        self._threads.close()
        for worker in self._all:
            worker.end()

    def _encode(self, texts: Inputs) -> EncodeInfo:
        worker = self._idle.get()
        try:
            answer = worker.ask(texts)
        except (EOFError, OSError) as error:
            raise BiolordError(
                f"one of {self._most} worker processes was killed (out of memory?): run it again with fewer --workers"
            ) from error
        finally:
            self._idle.put(worker)
        if isinstance(answer, Exception):
            raise answer
        return answer


class _Worker:
    """A process and the two pipes that are all it shares with this one: no lock or semaphore outlives either."""

    def __init__(self, session: LoadOptions, options: EncodeOptions) -> None:
        with _ctrl_c_held_back():
            command = [sys.executable, "-P", "-c", _START]
            self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        with suppress(BrokenPipeError):  # if it is gone already, the first question tells
            for message in (sys.path, [asdict(session), asdict(options)]):
                self._send(message)

    def ask(self, texts: Inputs) -> Answer:
        """Have texts encoded; blocks until they are, or fails when the process is gone."""
        self._send(texts)
        assert self._process.stdout is not None
        return receive_answer(self._process.stdout)

    def kill(self) -> None:
        """End it, whatever it is at; a call of `ask` then fails."""
        self._process.kill()

    def end(self) -> None:
        """Wait for the end of a process that was killed or has nothing to do."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with suppress(BrokenPipeError):  # what was on its way to a process that was killed
            self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()

    def _send(self, message: object) -> None:
        assert self._process.stdin is not None
        send(self._process.stdin, message)


@contextmanager
def _ctrl_c_held_back() -> Iterator[None]:
    """Start processes that Ctrl-C doesn't reach, not even while they are starting."""
    if not hasattr(signal, "pthread_sigmask"):  # pragma: no cover - Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
