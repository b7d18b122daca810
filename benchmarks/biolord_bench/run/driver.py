"""Measures the rows in turns: a step of every row, then the next step of every row, repeat after repeat.

A machine that others use too is now slow, now quick, for minutes at a time. Rows that are measured within seconds of
each other see the same machine, so that their ratio means something even where their times don't.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from biolord_bench.run.jobs import Job
from biolord_bench.run.journal import Data, Entry, Journal
from biolord_bench.run.process import WorkerError, WorkerProcess, memory_available
from biolord_bench.run.steps import Budget, Step, Task, first_vector, steps
from biolord_bench.workloads.counted import Counter, Written

SPARE_MB = 4000.0
"""With less memory left, workers that wait are ended; they load again when it is their turn."""

Report = Callable[[str], object]


@dataclass(frozen=True, slots=True)
class Turn:
    """One measurement to be made: the repeat, from 0, the step and the row."""

    repeat: int
    step: Step
    job: Job


@dataclass(frozen=True, slots=True)
class Plan:
    """A run.

    Attributes:
        folder: For logs and vectors.
    """

    jobs: Sequence[Job]
    texts: Mapping[str, Written]
    budget: Budget
    repeats: int
    folder: Path
    counter: Counter = field(default_factory=Counter)

    def turns(self) -> Iterator[Turn]:
        """List what to measure, in order; each repeat begins with another row."""
        for repeat in range(self.repeats):
            first = repeat * len(self.jobs) // self.repeats
            ordered = [*self.jobs[first:], *self.jobs[:first]]
            for step in steps(self.texts):
                yield from (Turn(repeat, step, job) for job in ordered if _takes_part(job, step, repeat))


class Workers:
    """The processes of a run; all but the one in use are stopped."""

    def __init__(self, plan: Plan, journal: Journal) -> None:
        """Begin without any."""
        self._plan, self._journal = plan, journal
        self._waiting: dict[str, WorkerProcess] = {}

    def task(self, job: Job, *, fresh: bool) -> Task:
        """Give what a step needs, with a process of the row: the one that waits, or a new one (``fresh``: unloaded).

        Raises:
            WorkerError: The process can't load the model.
        """
        worker = None if fresh else self._waiting.pop(job.name, None)
        if worker is not None:
            worker.resume()
            return self._task(job, worker)
        self.end(job)
        self._make_room()
        log = self._plan.folder / "logs" / f"{slug(job.name)}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        task = self._task(job, WorkerProcess.of(job, log))
        if not fresh:
            self._load(task)
        return task

    def keep(self, job: Job, worker: WorkerProcess) -> None:
        """Stop a process until its next turn."""
        worker.pause()
        self._waiting[job.name] = worker

    def end(self, job: Job) -> None:
        """End a row's process, if there is one."""
        worker = self._waiting.pop(job.name, None)
        if worker is not None:
            worker.stop()

    def end_all(self) -> None:
        """End every process."""
        while self._waiting:
            self._waiting.popitem()[1].stop()

    def _task(self, job: Job, worker: WorkerProcess) -> Task:
        plan, journal = self._plan, self._journal
        return Task(
            job=job,
            worker=worker,
            texts=plan.texts,
            counter=plan.counter,
            budget=plan.budget,
            vectors=plan.folder / slug(job.name),
            max_length=journal.first(job.name, "start", "max_length") or 0.0,
            batch=journal.first(job.name, "tune", "batch"),
        )

    @staticmethod
    def _load(task: Task) -> None:
        try:
            first_vector(task)
        except WorkerError:
            task.worker.stop()
            raise

    def _make_room(self) -> None:
        while self._waiting and memory_available() < SPARE_MB:
            self._waiting.pop(next(iter(self._waiting))).stop()


def run(plan: Plan, journal: Journal, report: Report) -> None:
    """Measure what the journal doesn't hold yet, telling ``report``. A row that doesn't start is not tried again."""
    workers = Workers(plan, journal)
    try:
        for turn in plan.turns():
            name, step = turn.job.name, turn.step.name
            broken = any(entry.error for entry in journal.of(name, "start"))
            if broken or (name, turn.repeat, step) in journal.entries:
                continue
            entry = _measure(workers, turn)
            journal.add(entry)
            failure = f": {entry.error}" if entry.error else ""
            report(f"repeat {turn.repeat + 1} of {plan.repeats}  {step:<12} {name}{failure}")
    finally:
        workers.end_all()


def _takes_part(job: Job, step: Step, repeat: int) -> bool:
    again = repeat > 0 and (step.once or job.reference)
    return not again and (job.own or not step.own) and (step.reference or not job.reference)


def _measure(workers: Workers, turn: Turn) -> Entry:
    job, step = turn.job, turn.step
    key = job.name, turn.repeat, step.name
    if job.error is not None:
        return Entry(*key, None, job.error)
    try:
        task = workers.task(job, fresh=step.name == "start")
    except WorkerError as error:
        return Entry(*key, None, str(error))
    try:
        data = _with_peak(step.measure(task), task.worker)
    except WorkerError as error:
        task.worker.stop()
        return Entry(*key, None, str(error))
    except BaseException:
        task.worker.stop()
        raise
    workers.keep(job, task.worker)
    return Entry(*key, data)


def _with_peak(data: Data | None, worker: WorkerProcess) -> Data | None:
    return None if data is None else {**data, **worker.ask(60, do="peak")}


def slug(name: str) -> str:
    """Return a name as a file may be called; other names give other files."""
    digest = hashlib.sha256(name.encode()).hexdigest()[:8]
    return f"{re.sub(r'[^a-z0-9]+', '-', name.lower()).strip('-')[:80]}-{digest}"
