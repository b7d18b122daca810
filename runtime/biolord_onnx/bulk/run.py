"""A bulk run: rows in, a file out, and nothing lost in between.

Vectors are gathered in a .npy file beside the output, and a journal says how many are there; a run that was killed
goes on behind them. Only when all are there does the output appear under its name.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np

from biolord_onnx.bulk.formats import find_format, write_lines_to_stdout
from biolord_onnx.bulk.journal import Done, Identity, Journal
from biolord_onnx.bulk.parts import PART_ROWS, Part, cut
from biolord_onnx.bulk.places import Places
from biolord_onnx.bulk.seen import BYTES_A_TEXT, Seen
from biolord_onnx.bulk.source import Source
from biolord_onnx.bulk.store import Store
from biolord_onnx.bulk.workers.work import Encoded, encode_here
from biolord_onnx.embedder import Embedder
from biolord_onnx.encode_options import EncodeOptions
from biolord_onnx.encoding.precision import Vectors
from biolord_onnx.encoding.progress import progress_bar
from biolord_onnx.errors import InputError
from biolord_onnx.loading import LoadOptions
from biolord_onnx.session.engine import import_onnxruntime


def _stay_silent(_: str) -> None:
    pass


@dataclass(frozen=True, slots=True)
class BulkOptions:
    """What is done beside encoding.

    Attributes:
        workers: processes that encode; 1 for this one.
        restart: forget an interrupted run.
        force: replace a file that stands at the output's place in the end.
        progress: draw a bar on stderr.
        notify: takes a line on what an interrupted run had left, or this one leaves.
        part_rows: most rows between two notes in the journal.
    """

    workers: int = 1
    restart: bool = False
    force: bool = False
    progress: bool = False
    notify: Callable[[str], object] = _stay_silent
    part_rows: int = PART_ROWS


@dataclass(frozen=True, slots=True)
class BulkResult:
    """What a run did.

    Attributes:
        rows: in all.
        width: numbers of a vector.
        resumed: rows that an interrupted run had left.
        truncated: rows whose text was cut.
    """

    rows: int
    width: int
    resumed: int
    truncated: int


def embed_to_stdout(source: Source, embedder: Embedder, options: EncodeOptions, *, progress: bool) -> int:
    """Encode rows and print a line of JSON each, as soon as some thousands are done.

    Returns:
        How many rows hold a text that was cut.

    Raises:
        InputError: a text is longer than ``overflow="error"`` allows, or the rows have changed.
    """
    options = _refuse_overflow(source, embedder, options)
    truncated = 0
    with progress_bar(source.count, shown=progress) as advance:
        for some in cut(source.rows()):
            info = options.encode(embedder, [row.text for row in some])
            write_lines_to_stdout(some, info.vectors)
            truncated += int(info.truncated.sum())
            advance(len(some))
    return truncated


def embed_to_file(
    source: Source,
    output: str,
    session: LoadOptions,
    embedder: Embedder,
    *,
    options: EncodeOptions,
    bulk: BulkOptions,
) -> BulkResult:
    """Encode rows into a file, going on where an interrupted run of the same rows stopped.

    Args:
        source: the rows.
        output: a path that `biolord_onnx.bulk.formats.check_output` let pass.
        session: how further processes load the artifact.
        embedder: has loaded it in this one; closed if others encode.
        options: how to encode.
        bulk: how to go about it.

    Raises:
        InputError: the interrupted run was of other rows or options or is damaged, another process writes the output,
            there is too little room on the disk, the rows have changed, or a text is longer than ``overflow="error"``
            allows.
        BiolordError: a worker process was killed.
        OSError: the disk is full or failed. What is done is kept.
    """
    options = _refuse_overflow(source, embedder, options)
    nothing = options.encode(embedder, []).vectors
    places = Places.beside(output)
    with ExitStack() as stack:
        journal = stack.enter_context(closing(Journal(places.journal, output)))
        if bulk.restart or places.is_published():
            journal.forget()
        done = journal.begin(_identity(source, embedder, options))
        run = _Run(source, places, journal, bulk, done)
        stack.callback(run.leave)
        store = run.open_store(nothing)
        seen = stack.enter_context(closing(Seen(places.seen if run.keeps else None)))
        encoded = _encode(run.parts(seen), session, embedder, options, bulk.workers)
        # Closed before anything else: processes end at once, whatever happens here.
        run.gather(stack.enter_context(closing(encoded)), store, seen)
        run.publish(store)
    return BulkResult(source.count, nothing.shape[1], done[-1].stop if done else 0, run.truncated)


def _encode(
    parts: Iterator[Part], session: LoadOptions, embedder: Embedder, options: EncodeOptions, workers: int
) -> Encoded:
    if workers == 1:
        return encode_here(parts, embedder, options)
    from biolord_onnx.bulk.workers.processes import encode_in_processes

    embedder.close()
    return encode_in_processes(parts, session, options, workers)


class _Run:
    """A run on its way.

    Attributes:
        keeps: whether it is long enough for another one to go on from it.
        truncated: rows whose text was cut.
    """

    def __init__(
        self, source: Source, places: Places, journal: Journal, bulk: BulkOptions, done: tuple[Done, ...]
    ) -> None:
        self._source = source
        self._places = places
        self._journal = journal
        self._bulk = bulk
        self._done = done
        # What is damaged is neither removed nor praised.
        self._sound = not done
        self._published = False
        self._store: Store | None = None
        self.keeps = source.count > bulk.part_rows or bool(done)
        self.truncated = 0

    def open_store(self, nothing: Vectors) -> Store:
        """Open the file for the vectors, checked if it is there already; what nobody owns any more is removed."""
        if not self._done:
            self._places.clear_leftovers(self._places.part)
        self._places.clear_leftovers(self._places.seen, self._places.new)
        done = self._done[-1].stop if self._done else 0
        _check_room(self._places, self._source, nothing, done, keeps=self.keeps)
        shape = (self._source.count, nothing.shape[1])
        store = self._store = Store(self._places.part, shape, nothing.dtype, self._done)
        self._sound = True
        if done:
            self._bulk.notify(
                f"{self._places.output}: going on behind {done} of {self._source.count} rows of an interrupted run"
            )
        return store

    def parts(self, seen: Seen) -> Iterator[Part]:
        """Yield what is to be encoded, behind what is done, whose texts are read again to be known."""
        rows = self._source.rows()
        start = 0
        for done in self._done:
            part = seen.part([row.text for row in islice(rows, done.stop - start)], start)
            truncated = done.truncated_rows(start)
            seen.truncated(part, truncated[part.rows - start])
            self.truncated += int(truncated.sum())
            start = done.stop
        for some in cut(rows, self._bulk.part_rows):
            yield seen.part([row.text for row in some], start)
            start += len(some)

    def gather(self, encoded: Encoded, store: Store, seen: Seen) -> None:
        """Write vectors as they come, and note them as done."""
        total, done = self._source.count, self._done[-1].stop if self._done else 0
        with progress_bar(total, shown=self._bulk.progress, done=done) as advance:
            for part, info in encoded:
                sha256 = store.write(part, info.vectors)
                truncated = seen.truncated(part, info.truncated)
                if self.keeps:
                    self._journal.note(Done.of(part.stop, sha256, truncated))
                self.truncated += int(truncated.sum())
                advance(part.stop - part.start)

    def publish(self, store: Store) -> None:
        """Let the output appear under its name.

        Raises:
            InputError: somebody removed or replaced what was gathered, or something has appeared there.
        """
        if not store.is_there():
            raise InputError(f"{self._places.part} was removed or replaced while the run was under way: run it again")
        write = find_format(self._places.output).write
        if write is None:
            self._places.publish(None, force=self._bulk.force)
        else:
            vectors = store.mapped()
            self._places.publish(lambda stream: write(stream, self._source, vectors), force=self._bulk.force)
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


def _refuse_overflow(source: Source, embedder: Embedder, options: EncodeOptions) -> EncodeOptions:
    """Count all tokens before anything is computed where long texts are errors; nothing is cut afterward."""
    if options.overflow != "error":
        return options
    limit, longer, first = embedder.max_length, 0, ""
    start = 0
    for rows in cut(source.rows()):
        texts = [row.text for row in rows]
        found = embedder.count_tokens(texts, prompt=options.prompt, prompt_name=options.prompt_name)
        counts = np.atleast_1d(found)
        for row, count in enumerate(counts.tolist(), start=start):
            if count > limit:
                longer += 1
                first = first or f"texts[{row}] has {count} tokens, the limit is {limit}"
        start += len(rows)
    if longer:
        raise InputError(
            f"{first} ({longer} of {source.count} texts are longer): shorten them, or choose overflow 'truncate' or "
            "'window'"
        )
    return replace(options, overflow="truncate")


def _identity(source: Source, embedder: Embedder, options: EncodeOptions) -> Identity:
    manifest = embedder.manifest
    files = hashlib.sha256("".join(f"{file.name} {file.sha256}\n" for file in manifest.files).encode()).hexdigest()
    return Identity(
        (
            ("input", f"{source.count} rows with SHA-256 {source.digest[:16]}"),
            ("artifact", f"{manifest.name} with SHA-256 {files[:16]}"),
            ("provider", embedder.provider),
            ("onnxruntime", import_onnxruntime().__version__),
            ("--normalize", str(options.normalize)),
            ("--overflow", options.overflow),
            ("--precision", options.precision),
            ("--truncate-dim", str(options.truncate_dim)),
            ("prompt", manifest.prompts.choose(options.prompt, options.prompt_name)),
        )
    )


def _check_room(places: Places, source: Source, vectors: Vectors, done: int, *, keeps: bool) -> None:
    """Refuse to start what the disk can't hold; it may still fill up, which is why all is kept then."""
    width = vectors.shape[1]
    gathered = (source.count - done) * width * vectors.dtype.itemsize
    texts = source.count * BYTES_A_TEXT if keeps else 0
    needed = gathered + texts + find_format(places.output).room(source, width, vectors.dtype)
    free = shutil.disk_usage(places.output.parent).free
    if needed > free:
        raise InputError(
            f"{places.output} needs up to {_readable(needed)} while it is made, {_readable(free)} are free: make room, "
            "or choose a smaller --precision"
        )


def _readable(count: int) -> str:
    unit, size = next(((unit, size) for unit, size in (("GB", 1e9), ("MB", 1e6)) if count >= size), ("kB", 1e3))
    return f"{count / size:.1f} {unit}"
