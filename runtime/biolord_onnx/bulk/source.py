"""Where the rows come from: surveyed once before any work, then read as often as needed."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from json.encoder import encode_basestring
from pathlib import Path
from tempfile import NamedTemporaryFile, TemporaryFile

from biolord_onnx.bulk.piped import copy_pipe
from biolord_onnx.bulk.reading import STDIN, Columns, Row, read_rows
from biolord_onnx.errors import InputError

# Rows that are read, and known to be what they were, before the first of them is used.
BLOCK_ROWS = 1024
DESCRIPTORS = Path("/dev/fd")
_DIGEST_BYTES = 16


@dataclass(frozen=True, slots=True)
class Source:
    """Rows that can be read again and again.

    Attributes:
        name: For messages.
        count: How many rows there are.
        digest: SHA-256 of the texts, each with its length before it; the same rows have the same digest, whatever
            file format they come in.
        id_type: Of the ids, None where rows have none.
        open: Starts reading from the first row.
        blocks: A digest of every `BLOCK_ROWS` rows or fewer, ids and further columns included.
        json_bytes: What texts and ids take as strings of JSON in UTF-8, and hence at most in any other format.
        paired: Whether rows hold pairs of texts.
    """

    name: str
    count: int
    digest: str
    id_type: type[str] | type[int] | None
    open: Callable[[], Iterator[Row]]
    blocks: tuple[bytes, ...] = ()
    json_bytes: int = 0
    paired: bool = False

    def rows(self) -> Iterator[Row]:
        """Yield the rows, none of them before it is known to be what it was.

        Raises:
            InputError: The rows are others, more or fewer than there were: another process writes to the file.
        """
        read = 0
        for number, block in enumerate(_blocks(self.open())):
            if number == len(self.blocks) or _digest(block) != self.blocks[number]:
                raise InputError(
                    f"{self.name} has changed since it was read first, at row {read} or behind it "
                    f"(it had {self.count}): start again when nothing else writes to it"
                )
            yield from block
            read += len(block)
        if read != self.count:
            raise InputError(
                f"{self.name} had {self.count} rows and has {read} now: start again when nothing else writes to it"
            )


def of_texts(texts: list[str]) -> Source:
    """Take texts of a command line.

    Raises:
        InputError: A text can't be encoded as UTF-8.
    """
    from biolord_onnx.encoding.texts import as_texts  # and with it numpy, which --help can do without

    rows = [Row(text) for text in as_texts(texts)]
    return survey("the texts", lambda: iter(rows))


def of_file(path: str, columns: Columns) -> Source:
    """Take the rows of a file, all of which are read once now: a bad row is found before hours of work, not after.

    Raises:
        InputError: A row can't be read, or ids are strings here and numbers there.
        MissingDependencyError: A .parquet file needs pyarrow.
        OSError: The file can't be read.
    """
    return survey(path, lambda: read_rows(path, columns))


def is_lasting(path: str) -> bool:
    """Whether a file can be read twice: standard input and named pipes can't. A folder fails when it is read."""
    return path != STDIN and (Path(path).is_file() or Path(path).is_dir() or not Path(path).exists())


@contextmanager
def spooled(path: str, folder: Path | None, columns: Columns, *, descriptors: Path = DESCRIPTORS) -> Iterator[Source]:
    """Copy what can be read only once to a file without a name, which ends with this process, and take its rows.

    Args:
        path: A named pipe, or ``-`` for standard input.
        folder: On whose disk the copy is made; None for the system's place for temporary files, or memory if nothing
            can be written anywhere.
        columns: To read.
        descriptors: Folder that names the open files of this process. Where a system has none, the copy has a name
            until the end of the block, and a process that is killed leaves it.

    Yields:
        The rows, as long as the copy is there.

    Raises:
        InputError: As `of_file`.
        OSError: The copy can't be written, or the pipe not be read.
    """
    name = "standard input" if path == STDIN else path
    make = TemporaryFile if descriptors.is_dir() else NamedTemporaryFile
    try:
        temporary = make(prefix=".biolord-", dir=folder)
    except FileNotFoundError:
        if folder is not None:
            raise
        # As in a container whose root is read-only.
        rows = list(read_rows(path, columns, name))
        yield survey(name, lambda: iter(rows))
        return
    with temporary as copy:
        if path == STDIN:
            copy_pipe(sys.stdin.buffer, copy)
        else:
            with Path(path).open("rb") as pipe:
                copy_pipe(pipe, copy)
        copy.flush()
        place = str(descriptors / str(copy.fileno())) if make is TemporaryFile else copy.name

        def read() -> Iterator[Row]:
            # Opened again, it goes on where this one stands on some systems (macOS).
            copy.seek(0)
            return read_rows(place, columns, name)

        yield survey(name, read)


def survey(name: str, read: Callable[[], Iterator[Row]]) -> Source:
    """Read all rows once.

    Args:
        name: Of where they come from, for messages.
        read: Starts reading from the first row.

    Raises:
        InputError: Ids are strings here and numbers there, or a row can't be read.
    """
    digest = hashlib.sha256()
    count, json_bytes, blocks, paired = 0, 0, [], False
    id_type: type[str] | type[int] | None = None
    for block in _blocks(read()):
        blocks.append(_digest(block))
        for row in block:
            paired = row.second is not None
            for text in _texts(row):
                encoded = text.encode()
                digest.update(len(encoded).to_bytes(8, "little"))
                digest.update(encoded)
                json_bytes += len(encode_basestring(text).encode())
            json_bytes += len(encode_basestring(str(row.id)).encode())
            if row.id is not None:
                id_type = id_type or type(row.id)
                if type(row.id) is not id_type:
                    raise InputError(
                        f"{name}, row {count}: the id {row.id!r} is {type(row.id).__name__}, "
                        f"those before are {id_type.__name__}: write all ids alike"
                    )
            count += 1
    return Source(name, count, digest.hexdigest(), id_type, read, tuple(blocks), json_bytes, paired)


def _texts(row: Row) -> tuple[str, ...]:
    return (row.text,) if row.second is None else (row.text, row.second)


def _blocks(rows: Iterable[Row]) -> Iterator[list[Row]]:
    from biolord_onnx.bulk.parts import cut  # and with it numpy, which --help can do without

    return cut(rows, BLOCK_ROWS)


def _digest(block: list[Row]) -> bytes:
    digest = hashlib.blake2b(digest_size=_DIGEST_BYTES)
    for row in block:
        for value in (*_texts(row), repr(row.id), *row.more):
            content = value.encode()
            digest.update(len(content).to_bytes(8, "little"))
            digest.update(content)
    return digest.digest()
