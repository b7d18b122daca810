"""What has been measured so far, one line a measurement, so that an interrupted run goes on where it was."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Self

Value = float | str | list[float] | None
Data = dict[str, Value]
Key = tuple[str, int, str]


@dataclass(frozen=True, slots=True)
class Entry:
    """One step of one row in one repeat.

    Attributes:
        row: its name.
        repeat: from 0.
        step: what was measured.
        data: the figures, None with an error.
        error: why there are none.
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


class Journal:
    """A file of entries that is only ever appended to, each entry flushed to the disk before the next is measured."""

    def __init__(self, path: Path) -> None:
        """Open the file; a last line that a killed process left unfinished is dropped."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self.entries: dict[Key, Entry] = {}
        path.touch()
        whole = _whole_lines(path)
        for line in whole.splitlines():
            entry = Entry(**json.loads(line))
            self.entries[entry.key] = entry
        os.truncate(path, len(whole))
        self._file: IO[str] = path.open("a", encoding="utf-8")

    def add(self, entry: Entry) -> None:
        """Append an entry."""
        self._file.write(json.dumps(asdict(entry)) + "\n")
        self._file.flush()
        os.fsync(self._file.fileno())
        self.entries[entry.key] = entry

    def of(self, row: str, step: str) -> list[Entry]:
        """Return a row's entries of one step, by repeat."""
        found = [entry for entry in self.entries.values() if (entry.row, entry.step) == (row, step)]
        return sorted(found, key=lambda entry: entry.repeat)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __enter__(self) -> Self:
        """Return self."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()


def _whole_lines(path: Path) -> bytes:
    content = path.read_bytes()
    return content[: content.rfind(b"\n") + 1]
