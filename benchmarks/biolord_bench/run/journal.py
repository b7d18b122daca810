"""What has been measured so far, one line a measurement, so that an interrupted run goes on where it was."""

from __future__ import annotations

import os
from pathlib import Path
from typing import IO, Self

import msgspec

from biolord_onnx.errors import InputError

Value = float | str | list[float] | None
Data = dict[str, Value]
Key = tuple[str, int, str]


class Entry(msgspec.Struct, frozen=True):
    """One step of one row in one repeat.

    Attributes:
        data: The figures; None with an error, and where there was nothing to measure.
        error: Why there are none.
    """

    row: str
    repeat: int
    step: str
    data: Data | None
    error: str | None = None

    @property
    def key(self) -> Key:
        """What makes it one of its kind."""
        return self.row, self.repeat, self.step

    def number(self, name: str) -> float | None:
        """Return a figure; None where there is none."""
        value = (self.data or {}).get(name)
        return float(value) if isinstance(value, int | float) else None

    def numbers(self, name: str) -> list[float]:
        """Return a list of figures; empty where there is none."""
        value = (self.data or {}).get(name)
        return value if isinstance(value, list) else []

    def text(self, name: str) -> str | None:
        """Return a text; None where there is none."""
        value = (self.data or {}).get(name)
        return value if isinstance(value, str) else None


class _Head(msgspec.Struct, frozen=True):
    run: str


class Journal:
    """A file of entries that is only ever appended to, each entry flushed to the disk before the next is measured."""

    def __init__(self, path: Path, run: str) -> None:
        """Open or make the file; a last line that a killed process left unfinished is dropped.

        ``run`` names all that the figures depend on.

        Raises:
            InputError: The file is another run's, or no journal.
        """
        self.entries: dict[Key, Entry] = {}
        path.touch()
        whole = _whole_lines(path)
        self._read(path, run, whole.splitlines())
        os.truncate(path, len(whole))
        self._file: IO[bytes] = path.open("ab")
        if not whole:
            self._write(_Head(run))

    def add(self, entry: Entry) -> None:
        """Append an entry."""
        self._write(entry)
        self.entries[entry.key] = entry

    def of(self, row: str, step: str) -> list[Entry]:
        """Return a row's entries of one step, by repeat."""
        found = [entry for entry in self.entries.values() if (entry.row, entry.step) == (row, step)]
        return sorted(found, key=lambda entry: entry.repeat)

    def first(self, row: str, step: str, name: str) -> float | None:
        """Return a figure of the first repeat that has it; None where none has."""
        return next((value for entry in self.of(row, step) if (value := entry.number(name)) is not None), None)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __enter__(self) -> Self:
        """Return self."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()

    def _read(self, path: Path, run: str, lines: list[bytes]) -> None:
        try:
            heads, entries = lines[:1], lines[1:]
            runs = [msgspec.json.decode(line, type=_Head).run for line in heads]
            for line in entries:
                entry = msgspec.json.decode(line, type=Entry)
                self.entries[entry.key] = entry
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise InputError(f"{path} is no journal of biolord bench ({error}): name another file") from error
        if runs not in ([], [run]):
            raise InputError(
                f"{path} is the journal of another run ({runs[0]}, this one is {run}): models, texts, options or "
                "versions differ; name another file, or remove it"
            )

    def _write(self, what: msgspec.Struct) -> None:
        self._file.write(msgspec.json.encode(what) + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())


def _whole_lines(path: Path) -> bytes:
    content = path.read_bytes()
    return content[: content.rfind(b"\n") + 1]
