"""A bulk run: rows in, a file out, and nothing lost in between.

Vectors are gathered in a .npy file beside the output, and a journal says how many are there; a run that was killed
goes on behind them. Only when all are there does the output appear under its name.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from biolord_onnx.bulk.formats import find_format, write_lines_to_stdout
from biolord_onnx.bulk.journal import MEMORY, Identity, Journal, refuse_held, remove
from biolord_onnx.bulk.parts import PART_ROWS, Part, cut
from biolord_onnx.bulk.source import Source
from biolord_onnx.bulk.store import Store
from biolord_onnx.bulk.work import encode_here
from biolord_onnx.embedder import Embedder, EncodeInfo
from biolord_onnx.encode_options import EncodeOptions
from biolord_onnx.engine import import_onnxruntime
from biolord_onnx.errors import InputError
from biolord_onnx.precision import Vectors
from biolord_onnx.progress import progress_bar
from biolord_onnx.shared import SessionOptions


def _stay_silent(_: str) -> None:
    pass


@dataclass(frozen=True, slots=True)
class BulkOptions:
    """What is done beside encoding.

    Attributes:
        workers: processes that encode; 1 for this one.
        restart: forget an interrupted run.
        progress: draw a bar on stderr.
        notify: takes a line on what an interrupted run had left, or this one leaves.
        part_rows: most rows between two notes in the journal.
    """

    workers: int = 1
    restart: bool = False
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


@dataclass(frozen=True, slots=True)
class Places:
    """Files of a run.

    Attributes:
        output: the result.
        part: gathers the vectors.
        journal: tells how many of them are there.
    """

    output: Path
    part: Path
    journal: Path

    @classmethod
    def beside(cls, output: str) -> Places:
        """Return the places that belong to an output: always the same, so that another run finds them."""
        path = Path(output)
        return cls(path, path.with_name(f".{path.name}.part"), path.with_name(f".{path.name}.journal"))

    def of_this_process(self) -> Places:
        """Return places of a run that keeps nothing, hence holds no lock: another one may write the same output."""
        name = f".{self.output.name}.{os.getpid()}"
        folder = self.output.parent
        return Places(self.output, folder / f"{name}.part", folder / f"{name}.journal")

    def clear(self) -> None:
        """Remove what a run leaves while it isn't done."""
        remove((self.part, self.journal, self.journal.with_name(f"{self.journal.name}-journal")))


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
    session: SessionOptions,
    embedder: Embedder,
    *,
    options: EncodeOptions,
    bulk: BulkOptions,
) -> BulkResult:
    """Encode rows into a file, going on where an interrupted run of the same rows stopped.

    Args:
        source: the rows.
        output: a path that `biolord_onnx.bulk.formats.check_output` let pass.
        session: how further processes load the artefact.
        embedder: has loaded it in this one; closed if others encode.
        options: how to encode.
        bulk: how to go about it.

    Raises:
        InputError: the interrupted run was of other rows or options, there is too little room on the disk, or a text
            is longer than ``overflow="error"`` allows.
        BiolordError: a worker process was killed.
        OSError: the disk is full or failed. What is done is kept.
    """
    places = Places.beside(output)
    if bulk.restart and places.journal.exists():
        refuse_held(places.journal, output)
        places.clear()
    options = _refuse_overflow(source, embedder, options)
    nothing = options.encode(embedder, []).vectors
    keeps = source.count > bulk.part_rows or places.journal.exists()
    places = places if keeps else places.of_this_process()
    with ExitStack() as stack:
        journal = stack.enter_context(closing(Journal(places.journal if keeps else MEMORY, output)))
        state = _State(journal.begin(_identity(source, embedder, options)), keeps=keeps)
        resumed = state.done
        if resumed and not places.part.exists():
            raise InputError(f"{places.part} of an interrupted run is gone: start anew with --restart")
        stack.callback(_leave, places, state, source, bulk)
        _check_room(places.output, source.count - resumed, nothing)
        if resumed:
            bulk.notify(f"{output}: going on behind {resumed} of {source.count} rows of an interrupted run")
        shape = (source.count, nothing.shape[1])
        store = stack.enter_context(closing(Store(places.part, shape, nothing.dtype, resumed)))
        parts = _parts(source, journal, bulk.part_rows, resumed)
        if bulk.workers == 1:
            encoded = encode_here(parts, embedder, options)
        else:
            from biolord_onnx.bulk.processes import encode_in_processes

            embedder.close()
            encoded = encode_in_processes(parts, session, options, bulk.workers)
        _gather(encoded, store, journal, state, source.count if bulk.progress else None)
        truncated = journal.count_truncated()
        _publish(source, places, store.mapped())
        state.complete = True
    return BulkResult(source.count, shape[1], resumed, truncated)


@dataclass(slots=True)
class _State:
    """How far a run got.

    Attributes:
        done: rows whose vectors are on the disk.
        keeps: whether a journal on the disk knows of them.
        complete: whether the output is there.
    """

    done: int
    keeps: bool
    complete: bool = False


def _leave(places: Places, state: _State, source: Source, bulk: BulkOptions) -> None:
    """Keep what another run can go on from, and nothing else."""
    if state.keeps and state.done and not state.complete:
        bulk.notify(
            f"{places.output}: {state.done} of {source.count} rows are done: the same command goes on from there"
        )
    else:
        places.clear()


def _gather(
    encoded: Iterator[tuple[Part, EncodeInfo]], store: Store, journal: Journal, state: _State, total: int | None
) -> None:
    with progress_bar(total or 0, shown=total is not None, done=state.done) as advance:
        for part, info in encoded:
            store.write(part, info.vectors)
            journal.commit(part, info.truncated)
            state.done = part.stop
            advance(part.stop - part.start)


def _parts(source: Source, journal: Journal, most_rows: int, done: int) -> Iterator[Part]:
    start = done
    for rows in cut(islice(source.rows(), done, None), most_rows):
        yield journal.part([row.text for row in rows], start)
        start += len(rows)


def _publish(source: Source, places: Places, vectors: Vectors) -> None:
    """Let the output appear under its name, complete."""
    write = find_format(places.output).write
    if write is None:
        places.part.replace(places.output)
        return
    new = places.output.with_name(f".{places.output.name}.{os.getpid()}.new")
    try:
        with new.open("wb") as stream:
            write(stream, source, vectors)
            stream.flush()
            os.fsync(stream.fileno())
        new.replace(places.output)
    finally:
        new.unlink(missing_ok=True)


def _refuse_overflow(source: Source, embedder: Embedder, options: EncodeOptions) -> EncodeOptions:
    """Count all tokens before anything is computed where long texts are errors; nothing is cut afterwards."""
    if options.overflow != "error":
        return options
    limit, longer, first = embedder.max_length, 0, ""
    start = 0
    for rows in cut(source.rows()):
        counts = np.atleast_1d(embedder.count_tokens([row.text for row in rows]))
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
    return EncodeOptions(options.normalize, options.batch_tokens, "truncate", options.precision)


def _identity(source: Source, embedder: Embedder, options: EncodeOptions) -> Identity:
    manifest = embedder.manifest
    files = hashlib.sha256("".join(f"{file.name} {file.sha256}\n" for file in manifest.files).encode()).hexdigest()
    return Identity(
        (
            ("input", f"{source.count} rows with SHA-256 {source.digest[:16]}"),
            ("artefact", f"{manifest.name} with SHA-256 {files[:16]}"),
            ("provider", embedder.provider),
            ("onnxruntime", import_onnxruntime().__version__),
            ("--normalize", str(options.normalize)),
            ("--overflow", options.overflow),
            ("--precision", options.precision),
        )
    )


def _check_room(output: Path, rows: int, vectors: Vectors) -> None:
    """Refuse to start what the disk can't hold; it may still fill up, which is why all is kept then."""
    extra = find_format(output).number_bytes
    each = vectors.dtype.itemsize * (2 if extra is None else 1) + (extra or 0)
    needed = rows * vectors.shape[1] * each
    free = shutil.disk_usage(output.parent).free
    if needed > free:
        raise InputError(
            f"{output} needs about {_readable(needed)} while it is made, {_readable(free)} are free: make room, or "
            "choose a smaller --precision"
        )


def _readable(count: int) -> str:
    unit, size = next(((unit, size) for unit, size in (("GB", 1e9), ("MB", 1e6)) if count >= size), ("kB", 1e3))
    return f"{count / size:.1f} {unit}"
