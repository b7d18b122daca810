"""What a bulk run has done so far, in a file that survives the process and the machine's power.

A line is a JSON object behind a checksum of it and of all lines before, and says which rows are done and the SHA-256 of
their vectors. Whoever holds the journal's lock owns all hidden files of the output.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from biolord_onnx.bulk.hidden import create, is_named, naming, open_left
from biolord_onnx.bulk.locks import take_lock
from biolord_onnx.errors import InputError

VERSION = 2
_CHECKSUM_DIGITS = 32
_BITS = re.compile("(?:[0-9a-f]{2})*")


@dataclass(frozen=True, slots=True)
class Identity:
    """What must be the same for a run to go on where another one stopped.

    Attributes:
        fields: (name, value) of all that decides about the vectors.
    """

    fields: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Done:
    """Consecutive rows whose vectors are on the disk.

    Attributes:
        stop: Number of the last row, plus one.
        sha256: Of the bytes of their vectors.
        truncated: Hexadecimal, a bit a row from the highest of the first byte on: whether its text was cut.
    """

    stop: int
    sha256: str
    truncated: str

    @classmethod
    def of(cls, stop: int, sha256: str, truncated: NDArray[np.bool_]) -> Done:
        """Note rows, with a bool for each of them."""
        return cls(stop, sha256, np.packbits(truncated).tobytes().hex())

    def truncated_rows(self, start: int) -> NDArray[np.bool_]:
        """Return the bool of each row, the first of which has the number ``start``."""
        packed = np.frombuffer(bytes.fromhex(self.truncated), np.uint8)
        return np.unpackbits(packed, count=self.stop - start).astype(np.bool_)


class Journal:
    """The journal of one output, held by one process."""

    def __init__(self, place: Path, output: str) -> None:
        """Open or create a journal.

        Args:
            place: The file.
            output: What the run writes, for messages.

        Raises:
            InputError: Another process holds the journal, or something else stands in its place.
            OSError: It can't be made.
        """
        self._place = place
        self._output = output
        self._checksum = ""
        with naming(place), ExitStack() as failing:
            try:
                self._file = failing.enter_context(open_left(place) or create(place))
            except FileExistsError as error:
                raise self._held() from error
            self._hold()
            failing.pop_all()

    def begin(self, identity: Identity) -> tuple[Done, ...]:
        """Start, or go on.

        Returns:
            What is done.

        Raises:
            InputError: The interrupted run was another one, or the journal is damaged.
        """
        with naming(self._place):
            known, done = self._read()
            if not done:
                self._start(identity)
                return ()
        for name, value in identity.fields:
            if known.get(name) != value:
                raise InputError(
                    f"{self._output}: {done[-1].stop} rows of an interrupted run are there, but its {name} was "
                    f"{known.get(name)}, and is {value} now: run it as it was to go on, or start anew with --restart"
                )
        return done

    def note(self, done: Done) -> None:
        """Note rows as done, once their vectors are on the disk.

        Raises:
            OSError: The disk is full, or failed; the journal is then as it was.
        """
        with naming(self._place):
            self._append(asdict(done))

    def rows(self) -> int:
        """Return how many rows the file says are done, which an interruption may have kept `note` from telling.

        Raises:
            InputError: The journal is damaged.
        """
        self._file.seek(0)
        _, done = self._read()
        return done[-1].stop if done else 0

    def forget(self) -> None:
        """Empty the journal."""
        self._file.truncate(0)
        self._file.seek(0)
        self._checksum = ""

    def is_there(self) -> bool:
        """Whether another run would find the journal."""
        return is_named(self._place, self._file)

    def close(self) -> None:
        """Give the journal free."""
        self._file.close()

    def _hold(self) -> None:
        # Another run may have ended, and removed the file, after this one had opened it.
        if not take_lock(self._file.fileno()) or not self.is_there():
            raise self._held()

    def _start(self, identity: Identity) -> None:
        """Begin anew; where not even that fits the disk, nothing stays."""
        try:
            self.forget()
            self._append({"journal": VERSION, "identity": dict(identity.fields)})
        except OSError:
            self._place.unlink(missing_ok=True)
            raise

    def _held(self) -> InputError:
        return InputError(f"another process is writing {self._output}: wait for it, or choose another output")

    def _append(self, entry: dict[str, object]) -> None:
        text = json.dumps(entry)
        checksum = _chain(self._checksum, text)
        size = self._file.tell()
        try:
            left = memoryview(f"{checksum} {text}\n".encode())
            while left:
                left = left[self._file.write(left) :]
            os.fsync(self._file.fileno())
        except OSError:
            self._file.truncate(size)
            self._file.seek(size)
            raise
        self._checksum = checksum

    def _read(self) -> tuple[dict[str, object], tuple[Done, ...]]:
        """Read all whole lines, and cut off a last one whose writing was interrupted."""
        self._checksum = ""
        content = self._file.read()
        lines = content.splitlines(keepends=True)
        if not content:
            return {}, ()
        entries = list(self._parse(lines[:-1] if len(lines) > 1 and not lines[-1].endswith(b"\n") else lines))
        match entries[0]:
            case {"journal": 2, "identity": dict(known)}:
                pass
            case {"journal": version}:
                raise self._unusable(f"version {version}, expected {VERSION}")
            case _:
                raise self._unusable("its first line is something else")
        done = tuple(self._done(number, entry) for number, entry in enumerate(entries[1:], start=2))
        for number, (one, next_one) in enumerate(pairwise(done), start=3):
            if not one.stop < next_one.stop:
                raise self._unusable(f"line {number} stops at row {next_one.stop}, the one before at {one.stop}")
        size = self._file.seek(sum(map(len, lines[: len(entries)])))
        self._file.truncate(size)
        return known, done

    def _parse(self, lines: list[bytes]) -> Iterator[dict[str, object]]:
        for number, line in enumerate(lines, start=1):
            checksum, _, text = line.decode("utf-8", "replace").removesuffix("\n").partition(" ")
            self._checksum = _chain(self._checksum, text)
            if checksum != self._checksum:
                raise self._unusable(f"line {number} is not what was written there")
            yield json.loads(text)

    def _done(self, number: int, entry: dict[str, object]) -> Done:
        match entry:
            case {"stop": int(stop), "sha256": str(sha256), "truncated": str(truncated)} if (
                stop > 0 and _BITS.fullmatch(truncated)
            ):
                return Done(stop, sha256, truncated)
            case _:
                raise self._unusable(f"line {number} says something else")

    def _unusable(self, why: str) -> InputError:
        return InputError(
            f"{self._place} is not the journal of an interrupted run ({why}): remove it, or start anew with --restart"
        )


def _chain(before: str, text: str) -> str:
    return hashlib.sha256(f"{before} {text}".encode()).hexdigest()[:_CHECKSUM_DIGITS]
