"""Where the rows come from: surveyed once before any work, then read as often as needed."""

from __future__ import annotations

import hashlib
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from biolord_onnx.bulk.reading import STDIN, Columns, Row, read_rows
from biolord_onnx.errors import InputError


@dataclass(frozen=True, slots=True)
class Source:
    """Rows that can be read again and again.

    Attributes:
        name: for messages.
        count: how many rows there are.
        digest: SHA-256 of the texts, each with its length before it; the same rows have the same digest, whatever
            file format they come in.
        id_type: of the ids, None where rows have none.
        open: starts reading from the first row.
    """

    name: str
    count: int
    digest: str
    id_type: type[str] | type[int] | None
    open: Callable[[], Iterator[Row]]

    def rows(self) -> Iterator[Row]:
        """Yield the rows.

        Raises:
            InputError: there are more or fewer than there were: somebody writes to the file.
        """
        read = 0
        for read, row in enumerate(self.open(), start=1):
            if read > self.count:
                break
            yield row
        if read != self.count:
            found = f"more than {self.count}" if read > self.count else str(read)
            raise InputError(f"{self.name} had {self.count} rows and has {found} now: start again when it is complete")


def of_texts(texts: list[str]) -> Source:
    """Take texts of a command line.

    Raises:
        InputError: a text can't be encoded as UTF-8.
    """
    from biolord_onnx.texts import as_texts  # and with it numpy, which --help can do without

    rows = [Row(text) for text in as_texts(texts)]
    return _survey("the texts", lambda: iter(rows))


def of_file(path: str, columns: Columns) -> Source:
    """Take the rows of a file, all of which are read once now: a bad row is found before hours of work, not after.

    Raises:
        InputError: a row can't be read, or ids are strings here and numbers there.
        MissingDependencyError: a .parquet file needs pyarrow.
        OSError: the file can't be read.
    """
    return _survey(path, lambda: read_rows(path, columns))


def is_lasting(path: str) -> bool:
    """Whether a file can be read twice: standard input and named pipes can't. A folder fails when it is read."""
    return path != STDIN and (Path(path).is_file() or Path(path).is_dir() or not Path(path).exists())


@contextmanager
def spooled(path: str, folder: Path | None, columns: Columns) -> Iterator[Source]:
    """Copy what can be read only once to a temporary file, or into memory, and take the rows of that.

    Args:
        path: a named pipe, or ``-`` for standard input.
        folder: where the copy is made; None for the system's place for temporary files, if it has one.
        columns: to read.

    Yields:
        The rows, as long as the copy is there.

    Raises:
        InputError: as `of_file`.
        OSError: the copy can't be written, or the pipe not be read.
    """
    name = "standard input" if path == STDIN else path
    try:
        place = TemporaryDirectory(prefix=".biolord-", dir=folder)
    except FileNotFoundError:
        if folder is not None:
            raise
        # Nothing can be written anywhere, as in a container whose root is read-only: memory has to do.
        rows = list(read_rows(path, columns, name))
        yield _survey(name, lambda: iter(rows))
        return
    with place as temporary:
        # The same ending, which says what it is.
        copy = Path(temporary) / ("lines" if path == STDIN else Path(path).name)
        with copy.open("wb") as stream:
            if path == STDIN:
                shutil.copyfileobj(sys.stdin.buffer, stream)
            else:
                with Path(path).open("rb") as pipe:
                    shutil.copyfileobj(pipe, stream)
        yield _survey(name, lambda: read_rows(str(copy), columns, name))


def _survey(name: str, read: Callable[[], Iterator[Row]]) -> Source:
    digest = hashlib.sha256()
    count, id_type = 0, None
    for count, row in enumerate(read(), start=1):
        text = row.text.encode()
        digest.update(len(text).to_bytes(8, "little"))
        digest.update(text)
        if row.id is not None:
            id_type = id_type or type(row.id)
            if type(row.id) is not id_type:
                raise InputError(
                    f"{name}, row {count - 1}: the id {row.id!r} is {type(row.id).__name__}, "
                    f"those before are {id_type.__name__}: write all ids alike"
                )
    return Source(name, count, digest.hexdigest(), id_type, read)
