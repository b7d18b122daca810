"""Measures the rows in turns: a step of every row, then the next step of every row, repeat after repeat.

A machine that others use too is now slow, now quick, for minutes at a time. Rows that are measured within seconds of
each other see the same machine, so that their ratio means something even where their times don't.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from biolord_bench.peers.journal import Data, Entry, Journal
from biolord_bench.peers.prepare import Ready, Say
from biolord_bench.peers.process import WorkerError, WorkerProcess
from biolord_bench.peers.procfs import memory_available, memory_of
from biolord_bench.peers.steps import ONCE, STEPS, TIMEOUT_S, Budget, Task
from biolord_bench.peers.texts import Written

SPARE_MB = 4000.0
"""With less memory left, workers that wait are ended; they load again when it is their turn."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One measurement to be made: the repeat, from 0, the step and the row."""

    repeat: int
    step: str
    ready: Ready


@dataclass(frozen=True, slots=True)
class Plan:
    """A run.

    Attributes:
        rows: what is measured.
        texts: the workloads by name.
        budget: how long to measure.
        repeats: how often.
        threads: cores that each tool may use.
        folder: for logs and vectors.
    """

    rows: Sequence[Ready]
    texts: Mapping[str, Written]
    budget: Budget
    repeats: int
    threads: int
    folder: Path

    def turns(self) -> Iterator[Turn]:
        """List what to measure, in order; each repeat begins with another row."""
        for repeat in range(self.repeats):
            first = repeat * len(self.rows) // self.repeats
            ordered = [*self.rows[first:], *self.rows[:first]]
            for step in STEPS:
                if step in ONCE and repeat > 0:
                    continue
                for ready in ordered:
                    yield Turn(repeat, step, ready)


class Workers:
    """The processes of a run; all but the one in use are stopped."""

    def __init__(self, plan: Plan) -> None:
        """Begin without any."""
        self._plan = plan
        self._waiting: dict[str, WorkerProcess] = {}

    def fresh(self, ready: Ready) -> WorkerProcess:
        """Start a row's process anew, with nothing loaded yet."""
        self.end(ready)
        self._make_room()
        plan, row = self._plan, ready.row
        command = [
            str(ready.python),
            "-m",
            "biolord_bench.peers.worker",
            row.adapter,
            str(ready.model),
            str(plan.threads),
        ]
        log = plan.folder / "logs" / f"{slug(row.name)}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        return WorkerProcess([*command, row.variant] if row.variant else command, plan.threads, log)

    def loaded(self, ready: Ready) -> WorkerProcess:
        """Return a row's process, the one that waits or a new one."""
        worker = self._waiting.pop(ready.row.name, None)
        if worker is not None:
            worker.resume()
            return worker
        worker = self.fresh(ready)
        try:
            worker.ask(TIMEOUT_S, do="start", texts=str(self._plan.texts["queries"].path))
        except WorkerError:
            worker.stop()
            raise
        return worker

    def keep(self, ready: Ready, worker: WorkerProcess) -> None:
        """Stop a process until its next turn."""
        worker.pause()
        self._waiting[ready.row.name] = worker

    def end(self, ready: Ready) -> None:
        """End a row's process, if there is one."""
        worker = self._waiting.pop(ready.row.name, None)
        if worker is not None:
            worker.stop()

    def end_all(self) -> None:
        """End every process."""
        while self._waiting:
            self._waiting.popitem()[1].stop()

    def _make_room(self) -> None:
        while self._waiting and memory_available() < SPARE_MB:
            self._waiting.pop(next(iter(self._waiting))).stop()


def run(plan: Plan, journal: Journal, say: Say) -> None:
    """Measure what the journal doesn't hold yet. A row that doesn't start is not tried again."""
    workers = Workers(plan)
    try:
        for turn in plan.turns():
            name = turn.ready.row.name
            broken = any(entry.error for entry in journal.of(name, "start"))
            if broken or (name, turn.repeat, turn.step) in journal.entries:
                continue
            entry = _measure(plan, journal, workers, turn)
            journal.add(entry)
            failure = f": {entry.error}" if entry.error else ""
            say(f"repeat {turn.repeat + 1} of {plan.repeats}  {turn.step:<12} {name}{failure}")
    finally:
        workers.end_all()


def _measure(plan: Plan, journal: Journal, workers: Workers, turn: Turn) -> Entry:
    ready, row, step = turn.ready, turn.ready.row, turn.step
    worker: WorkerProcess | None = None
    try:
        worker = workers.fresh(ready) if step == "start" else workers.loaded(ready)
        task = Task(
            worker=worker,
            texts=plan.texts,
            budget=plan.budget,
            vectors=plan.folder / slug(row.name),
            max_length=_max_length(journal, row.name),
            versions=(row.tool, row.engine),
        )
        data = _with_peak(STEPS[step](task), worker)
    except WorkerError as error:
        if worker is not None:
            worker.stop()
        return Entry(row.name, turn.repeat, step, None, str(error))
    workers.keep(ready, worker)
    return Entry(row.name, turn.repeat, step, data)


def _with_peak(data: Data | None, worker: WorkerProcess) -> Data | None:
    return None if data is None else {**data, "peak_mb": memory_of(worker.pid).peak}


def _max_length(journal: Journal, row: str) -> float:
    known = [entry.number("max_length") for entry in journal.of(row, "start")]
    return next((length for length in known if length is not None), 0.0)


def slug(name: str) -> str:
    """Return a name as a file may be called."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
