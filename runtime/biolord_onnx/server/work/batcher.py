"""Worker threads that run batches from the shared queue: one for each run that the session likes to have at once.

One more is for queries, requests of one short text, that come while all of these are busy: a run can't be interrupted,
and one long text takes as long as twenty queries. Beside it, a query gets its share of the cores from the operating
system.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from biolord_onnx.artifact.manifest import Manifest
from biolord_onnx.encoding.batching import Batch, batch_arrays
from biolord_onnx.errors import BiolordError
from biolord_onnx.server.work.queue import FairQueue, Run, Work
from biolord_onnx.session.session import Output, Session

# Tokens of a run. A query that comes while all threads are busy waits for the rest of one, and a run of up to so many
# that is alone takes all cores. With half as many, the wait would be a third shorter and bulk work a fifth slower.
RUN_TOKENS = 128

Done = Callable[[BaseException | None], None]
Ran = Callable[[int, float], None]


@dataclass(frozen=True, slots=True)
class Load:
    """How busy the threads are.

    Attributes:
        texts: That wait.
        tokens: That wait.
        running: Runs under way.
    """

    texts: int
    tokens: int
    running: int


class Batcher:
    """Owns the queue and the threads. What it computes for a text is bit-equal to what `Embedder.encode` does."""

    def __init__(self, session: Session, manifest: Manifest, ran: Ran = lambda _tokens, _seconds: None) -> None:
        """Start the threads; ``ran`` is told tokens and seconds of each run."""
        self._session, self._manifest, self._ran = session, manifest, ran
        self._queue = FairQueue(RUN_TOKENS, padded=manifest.drops_padding)
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._crowded = threading.Condition(self._lock)
        self._free = session.concurrency
        self._running = 0
        self._closed = False
        self._threads = [
            threading.Thread(target=self._work, name=f"biolord-run-{number}", daemon=True)
            for number in range(session.concurrency)
        ]
        self._beside = threading.Thread(target=self._work_beside, name="biolord-run-query", daemon=True)
        for thread in (*self._threads, self._beside):
            thread.start()

    @property
    def alive(self) -> bool:
        """Whether every thread still works."""
        return not self._closed and all(thread.is_alive() for thread in (*self._threads, self._beside))

    @property
    def load(self) -> Load:
        """How busy the threads are."""
        with self._lock:
            return Load(self._queue.texts, self._queue.tokens, self._running)

    def submit(self, ids: Sequence[list[int]], output: Output, done: Done, skipped: int = 0) -> Work:
        """Queue a request of one text or more.

        Args:
            ids: Token ids of each text, special tokens included.
            output: Which vectors are wanted.
            done: Called by another thread once ``vectors`` of the result are there, or with what went wrong.
            skipped: Leading tokens of each text that aren't pooled.

        Raises:
            BiolordError: The batcher is closed, or no thread is left.
        """
        work = Work(ids, output, np.empty((len(ids), self._manifest.dim), dtype=np.float32), done, skipped)
        work.queued_at = time.perf_counter()
        with self._changed:
            if self._closed:
                raise BiolordError("the server is stopping")
            if not any(thread.is_alive() for thread in self._threads):
                raise BiolordError("the threads that compute vectors have ended: start the server again")
            self._queue.add(work)
            self._changed.notify(len(ids))
            if self._free <= 0:
                self._crowded.notify()
        return work

    def drop(self, work: Work) -> None:
        """Forget a request whose client is gone: none of its texts begins to run any more."""
        with self._changed:
            self._queue.drop(work)

    def close(self, seconds: float) -> None:
        """End the threads when all that was queued is done, but wait no longer than so many seconds for it."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            self._crowded.notify_all()
        deadline = time.monotonic() + seconds
        for thread in (*self._threads, self._beside):
            thread.join(max(0.0, deadline - time.monotonic()))

    def _work(self) -> None:
        while (run := self._next()) is not None:
            self._do(run)
            with self._lock:
                self._free += 1

    def _next(self) -> Run | None:
        with self._changed:
            self._changed.wait_for(lambda: self._queue.texts or self._closed)
            run = self._queue.take()
            if run is not None:  # else nothing waits, and nothing will
                self._free -= 1
                if self._free <= 0:
                    self._crowded.notify()
            return run

    def _work_beside(self) -> None:
        while (run := self._next_query()) is not None:
            self._do(run)

    def _next_query(self) -> Run | None:
        with self._crowded:
            self._crowded.wait_for(lambda: self._closed or (self._free <= 0 and self._queue.has_query))
            return self._queue.take_query()

    def _do(self, run: Run) -> None:
        with self._lock:
            self._running += 1
        try:
            self._compute(run)
        except BiolordError as error:
            self._finish(run, error)
        except (
            BaseException
        ) as error:  # a fault of ours: this thread ends, `alive` says so, and no request waits in vain
            self._finish(run, error)
            raise
        else:
            self._finish(run, None)

    def _compute(self, run: Run) -> None:
        started = time.perf_counter()
        for work, _ in run.parts:
            work.started_at = work.started_at or started
        batch = Batch(np.arange(len(run.parts)), int(run.lengths.max()))
        inputs = batch_arrays(run.ids, batch, self._manifest.pad_id)
        vectors = self._session.run(*inputs, run.output, skipped=run.skipped)
        for row, (work, place) in enumerate(run.parts):
            work.vectors[place] = vectors[row]
        self._ran(int(run.lengths.sum()), time.perf_counter() - started)

    def _finish(self, run: Run, error: BaseException | None) -> None:
        ended = []
        with self._lock:
            self._running -= 1
            for work, _ in run.parts:
                work.left -= 1
                if error is not None and work.error is None:
                    work.error = error
                    self._queue.drop(work)
                    ended.append(work)
                elif work.left == 0 and work.error is None:
                    ended.append(work)
        for work in ended:
            work.done(work.error)
