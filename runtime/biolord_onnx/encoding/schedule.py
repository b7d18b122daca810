"""Several runs at once, where as many small runs as there are cores beat one large run over all of them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from functools import partial
from itertools import chain, islice
from typing import TypeVar

from biolord_onnx.encoding.crew import Crew

Job = TypeVar("Job")
Result = TypeVar("Result")

# Runs that wait for each worker: a worker that is done goes on at once, and no more is held in memory than that.
AHEAD = 2


def run_jobs(
    jobs: Iterable[Job], run: Callable[[Job], Result], workers: int
) -> Generator[tuple[Job, Result], None, None]:
    """Run jobs, several at once, and yield each with its result, in order.

    Jobs are drawn while others run, so whatever making one takes overlaps with running. A single job runs in the
    caller's own thread: a query waits for no queue.

    Args:
        jobs: Any number of jobs.
        run: Does a job; called from several threads.
        workers: Jobs that run at once.

    Yields:
        Every job and its result.
    """
    waiting_jobs = iter(jobs)
    first = list(islice(waiting_jobs, 2))
    everything = chain(first, waiting_jobs)
    if workers == 1 or len(first) == 1:
        for job in everything:
            yield job, run(job)
        return
    crew: Crew[Result] = Crew(workers)
    running: deque[Job] = deque()
    try:
        for job in everything:
            crew.submit(partial(run, job))
            running.append(job)
            if len(running) == AHEAD * workers:
                yield running.popleft(), crew.result()
        while running:
            yield running.popleft(), crew.result()
    finally:
        crew.close()
