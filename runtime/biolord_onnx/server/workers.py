"""Several server processes: none outlives its parent, and one that dies is started anew."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Sequence
from multiprocessing.connection import wait
from multiprocessing.context import SpawnProcess
from queue import Empty, SimpleQueue

from biolord_onnx.errors import BiolordError
from biolord_onnx.server.settings import ServerSettings

POLL_S = 0.2
RESTART_S = 1.0
"""A worker that dies at once is not started anew faster than that."""
GRACE_S = 3.0
"""Beyond the time that requests get: for the process to end."""
ORPHANED_S = 2.0
"""What requests under way get when the parent is gone."""
LOG = logging.getLogger("uvicorn.error")

Serve = Callable[[ServerSettings, Sequence[socket.socket]], None]


def supervise(serve: Serve, settings: ServerSettings, sockets: Sequence[socket.socket], workers: int) -> None:
    """Keep so many processes serving until a signal says to stop.

    Args:
        serve: What each does. The settings, with the keys, reach it through a pipe: /proc shows environments.
        settings: Of each.
        sockets: That all listen at.
        workers: How many.
    """
    # No Event: a handler that sets one waits forever for a lock that the code under it holds.
    signals: SimpleQueue[int] = SimpleQueue()
    endings = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    for number in [one for one in endings if signal.getsignal(one) is not signal.SIG_IGN]:
        signal.signal(number, lambda came, _: signals.put(came))
    context = multiprocessing.get_context("spawn")

    def start() -> SpawnProcess:
        process = context.Process(target=_work, args=(serve, settings, sockets), daemon=True)
        process.start()
        return process

    processes = [start() for _ in range(workers)]
    try:
        while signals.empty():
            if not wait([process.sentinel for process in processes], POLL_S) or _came(signals, RESTART_S):
                continue
            for place, process in enumerate(processes):
                if not process.is_alive():
                    LOG.error("worker process %s ended with %s: starting another", process.pid, process.exitcode)
                    processes[place] = start()
    finally:
        _end(processes, settings.limits.shutdown_s + GRACE_S)


def _came(signals: SimpleQueue[int], seconds: float) -> bool:
    """Wait for a signal, and put it back for the next call."""
    try:
        signals.put(signals.get(timeout=seconds))
    except Empty:
        return False
    return True


def _end(processes: Sequence[SpawnProcess], seconds: float) -> None:
    for process in processes:
        process.terminate()
    deadline = time.monotonic() + seconds
    for process in processes:
        process.join(max(0.0, deadline - time.monotonic()))
        process.kill()
        process.join()


def _work(serve: Serve, settings: ServerSettings, sockets: Sequence[socket.socket]) -> None:
    """Serve as a worker."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends it to all; the parent says when to stop
    threading.Thread(target=_watch_parent, daemon=True).start()
    try:
        serve(settings, sockets)
    except BiolordError as error:
        LOG.error("%s", " ".join(str(error).split()))  # noqa: TRY400 - one line
        sys.exit(error.exit_code)


def _watch_parent() -> None:
    """End this process when its parent is gone: nothing else would, and it holds the address."""
    parent = multiprocessing.parent_process()
    assert parent
    wait([parent.sentinel])
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(ORPHANED_S)
    os._exit(1)
