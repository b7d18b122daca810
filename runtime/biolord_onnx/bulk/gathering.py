"""Rows that become numbers, part by part, and a file of them: nothing is lost in between.

Numbers are gathered in a .npy file beside the output, and a journal says how many are there; a run that was killed goes
on behind them. Only when all are there does the output appear under its name.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from itertools import islice
from typing import BinaryIO

from biolord_onnx.bulk.journal import Done, Identity, Journal
from biolord_onnx.bulk.parts import PART_ROWS, Part, cut
from biolord_onnx.bulk.places import Places
from biolord_onnx.bulk.seen import BYTES_A_TEXT, Seen
from biolord_onnx.bulk.source import Source
from biolord_onnx.bulk.store import Store
from biolord_onnx.bulk.workers.work import Encoded
from biolord_onnx.encoding.precision import Vectors
from biolord_onnx.encoding.progress import progress_bar
from biolord_onnx.errors import InputError


def _stay_silent(_: str) -> None:
    pass


@dataclass(frozen=True, slots=True)
class BulkOptions:
    """What is done beside encoding.

    Attributes:
        workers: Processes that encode; 1 for this one.
        restart: Forget an interrupted run.
        force: Replace a file that stands at the output's place in the end.
        progress: Draw a bar on stderr.
        notify: Takes a line on what an interrupted run had left, or this one leaves.
        part_rows: Most rows between two notes in the journal.
        advice: What to do where the disk has too little room.
    """

    workers: int = 1
    restart: bool = False
    force: bool = False
    progress: bool = False
    notify: Callable[[str], object] = _stay_silent
    part_rows: int = PART_ROWS
    advice: str = "make room, or choose a smaller --precision"


@dataclass(frozen=True, slots=True)
class Task:
    """What is made of rows.

    Attributes:
        source: The rows.
        output: Path of the file.
        identity: What must be the same for a run to go on.
        nothing: [0, width], numbers of no row: how many each row gets, and of which type.
        compute: Gives the numbers of parts, in order.
        write: Makes the file of the rows' numbers [rows, width]; None if these, as they are gathered, are the file.
        room: bytes that the file takes at most beside them.
        advice: What to do where the disk has too little room.
    """

    source: Source
    output: str
    identity: Identity
    nothing: Vectors
    compute: Callable[[Iterator[Part]], Encoded]
    write: Callable[[BinaryIO, Vectors], None] | None = None
    room: int = 0
    advice: str = "make room"


@dataclass(frozen=True, slots=True)
class BulkResult:
    """What a run did.

    Attributes:
        rows: In all.
        width: Numbers of a vector.
        resumed: Rows that an interrupted run had left.
        truncated: Rows whose text was cut.
    """

    rows: int
    width: int
    resumed: int
    truncated: int


def gather(task: Task, bulk: BulkOptions) -> BulkResult:
    """Make the file, going on where an interrupted run of the same task stopped.

    Raises:
        InputError: The interrupted run was of another task or is damaged, another process writes the output, there is
            too little room on the disk, or the rows have changed.
        OSError: The disk is full or failed. What is done is kept.
    """
    places = Places.beside(task.output)
    with ExitStack() as stack:
        journal = stack.enter_context(closing(Journal(places.journal, task.output)))
        if bulk.restart or places.is_published():
            journal.forget()
        done = journal.begin(task.identity)
        run = _Run(task, places, journal, bulk, done)
        stack.callback(run.leave)
        store = run.open_store()
        seen = stack.enter_context(closing(Seen(places.seen if run.keeps else None)))
        computed = task.compute(run.parts(seen))
        # Closed before anything else: processes end at once, whatever happens here.
        run.gather(stack.enter_context(closing(computed)), store, seen)
        run.publish(store)
    return BulkResult(task.source.count, task.nothing.shape[1], done[-1].stop if done else 0, run.truncated)


class _Run:
    """A run on its way.

    Attributes:
        keeps: Whether it is long enough for another one to go on from it.
        truncated: Rows whose text was cut.
    """

    def __init__(self, task: Task, places: Places, journal: Journal, bulk: BulkOptions, done: tuple[Done, ...]) -> None:
        self._task = task
        self._source = task.source
        self._places = places
        self._journal = journal
        self._bulk = bulk
        self._done = done
        # What is damaged is neither removed nor praised.
        self._sound = not done
        self._published = False
        self._store: Store | None = None
        self.keeps = task.source.count > bulk.part_rows or bool(done)
        self.truncated = 0

    def open_store(self) -> Store:
        """Open the file for the numbers, checked if it is there already; leftovers without an owner are removed."""
        if not self._done:
            self._places.clear_leftovers(self._places.part)
        self._places.clear_leftovers(self._places.seen, self._places.new)
        done = self._done[-1].stop if self._done else 0
        _check_room(self._task, self._places, done, keeps=self.keeps)
        nothing = self._task.nothing
        shape = (self._source.count, nothing.shape[1])
        store = self._store = Store(self._places.part, shape, nothing.dtype, self._done)
        self._sound = True
        if done:
            self._bulk.notify(
                f"{self._places.output}: going on behind {done} of {self._source.count} rows of an interrupted run"
            )
        return store

    def parts(self, seen: Seen) -> Iterator[Part]:
        """Yield what is to be computed, behind what is done, whose texts are read again to be known."""
        rows = self._source.rows()
        start = 0
        for done in self._done:
            part = seen.part([row.content for row in islice(rows, done.stop - start)], start)
            truncated = done.truncated_rows(start)
            seen.truncated(part, truncated[part.rows - start])
            self.truncated += int(truncated.sum())
            start = done.stop
        for some in cut(rows, self._bulk.part_rows):
            yield seen.part([row.content for row in some], start)
            start += len(some)

    def gather(self, computed: Encoded, store: Store, seen: Seen) -> None:
        """Write numbers as they come, and note them as done."""
        total, done = self._source.count, self._done[-1].stop if self._done else 0
        with progress_bar(total, shown=self._bulk.progress, done=done) as advance:
            for part, info in computed:
                sha256 = store.write(part, info.vectors)
                truncated = seen.truncated(part, info.truncated)
                if self.keeps:
                    self._journal.note(Done.of(part.stop, sha256, truncated))
                self.truncated += int(truncated.sum())
                advance(part.stop - part.start)

    def publish(self, store: Store) -> None:
        """Let the output appear under its name.

        Raises:
            InputError: What was gathered was removed or replaced, or something has appeared there.
        """
        if not store.is_there():
            raise InputError(f"{self._places.part} was removed or replaced while the run was under way: run it again")
        write = self._task.write
        if write is None:
            self._places.publish(None, force=self._bulk.force)
        else:
            numbers = store.mapped()
            self._places.publish(lambda stream: write(stream, numbers), force=self._bulk.force)
        self._published = True

    def leave(self) -> None:
        """Keep what another run can go on from, and nothing else."""
        gathered = self._store is not None and self._store.is_there()
        if self._store is not None:
            self._store.close()
        if not (self._sound and self._journal.is_there()):
            return
        rows = self._journal.rows()
        if self._published or not (rows and gathered):
            self._places.clear()
        else:
            self._places.clear_leftovers(self._places.seen, self._places.new)
            self._bulk.notify(
                f"{self._places.output}: {rows} of {self._source.count} rows are done: the same command goes on "
                "from there"
            )


def _check_room(task: Task, places: Places, done: int, *, keeps: bool) -> None:
    """Refuse to start what the disk can't hold; it may still fill up, which is why all is kept then."""
    gathered = (task.source.count - done) * task.nothing.shape[1] * task.nothing.dtype.itemsize
    texts = task.source.count * BYTES_A_TEXT if keeps else 0
    needed = gathered + texts + task.room
    free = shutil.disk_usage(places.output.parent).free
    if needed > free:
        raise InputError(
            f"{places.output} needs up to {_readable(needed)} while it is made, {_readable(free)} are free: "
            f"{task.advice}"
        )


def _readable(count: int) -> str:
    unit, size = next(((unit, size) for unit, size in (("GB", 1e9), ("MB", 1e6)) if count >= size), ("kB", 1e3))
    return f"{count / size:.1f} {unit}"
