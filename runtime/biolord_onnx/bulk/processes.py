"""Parts encoded by several processes."""

from __future__ import annotations

import multiprocessing
import signal
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass

from biolord_onnx.bulk.parts import Part
from biolord_onnx.embedder import EncodeInfo
from biolord_onnx.encode_options import EncodeOptions
from biolord_onnx.errors import BiolordError
from biolord_onnx.shared import SessionOptions

# Parts beyond those being encoded: a process that is done goes on at once.
AHEAD = 1


def encode_in_processes(
    parts: Iterable[Part], session: SessionOptions, options: EncodeOptions, workers: int
) -> Iterator[tuple[Part, EncodeInfo]]:
    """Encode parts in several processes, each with an embedder of its own.

    Args:
        parts: drawn as processes get free.
        session: how each loads the artefact.
        options: how each encodes.
        workers: processes.

    Yields:
        Each part and its vectors, in order.

    Raises:
        BiolordError: a process was killed, for want of memory, say; or what `Embedder.encode` raises.
    """
    # Not forked: a child of a process with threads inherits locks that nobody will ever open.
    context = multiprocessing.get_context("spawn")
    others = set(multiprocessing.active_children())
    pool = ProcessPoolExecutor(workers, context, initializer=_start, initargs=(session, options))
    running: deque[tuple[Part, Future[EncodeInfo]]] = deque()
    try:
        for part in parts:
            running.append((part, pool.submit(_encode, part.texts)))
            if len(running) == workers + AHEAD:
                yield _finish(running)
        while running:
            yield _finish(running)
    except BrokenProcessPool as error:
        raise BiolordError(
            f"one of {workers} worker processes was killed (out of memory?): run it again with fewer --workers, or "
            "with --memory low"
        ) from error
    except BaseException:
        # Somebody interrupted, or a disk is full: what the processes are at is of no use to anyone.
        for process in set(multiprocessing.active_children()) - others:
            process.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _finish(running: deque[tuple[Part, Future[EncodeInfo]]]) -> tuple[Part, EncodeInfo]:
    part, future = running.popleft()
    return part, future.result()


@dataclass(slots=True)
class _Worker:
    """What a worker process holds; it loads when it gets its first texts, whose caller hears of an error then."""

    session: SessionOptions
    options: EncodeOptions


_worker: list[_Worker] = []


def _start(session: SessionOptions, options: EncodeOptions) -> None:
    # A terminal sends Ctrl-C to all: the first process alone answers, and ends the others.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _worker.append(_Worker(session, options))


def _encode(texts: list[str]) -> EncodeInfo:
    (worker,) = _worker
    return worker.options.encode(worker.session.embedder(), texts)
