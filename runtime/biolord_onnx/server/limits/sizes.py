"""How much a JSON document holds, counted while it comes in: what is too much is refused before anything parses it.

A parser makes an object of each value, five million of which 16 MB have room for: nothing else runs meanwhile. Counting
takes a hundredth of that, and nothing that is too much is counted to its end.
"""

from __future__ import annotations

from dataclasses import dataclass

from biolord_onnx.server.problems import TOO_MUCH, ApiError
from biolord_onnx.server.settings import Limits

# Members that clients send along, each with its name.
SPARE = 1000
STEP = 32_768
"""Bytes that are looked at in one go."""
_CONTINUATION = bytes(range(0x80, 0xC0))
"""Bytes of UTF-8 that begin no character."""
_ESCAPE = 5.5
"""Bytes of an escape beyond the one character that it stands for: of two escapes for one character half of eleven."""
_PAIR, _QUOTE, _BACKSLASH = b"\\\\", b'\\"', b"\\"


@dataclass(frozen=True, slots=True)
class Most:
    """The most of each kind of value that a request's body may hold.

    Attributes:
        strings: Names of members included.
        containers: Lists and objects.
        members: Of lists and objects, token ids included.
        characters: Of a string.
    """

    strings: int
    containers: int
    members: int
    characters: int

    @classmethod
    def of(cls, limits: Limits) -> Most:
        """Derive them from what a request may ask for: so many texts, or as many token ids as may wait, twice."""
        members = max(limits.texts, 2 * limits.queue_tokens)
        return cls(limits.texts + SPARE, limits.texts + SPARE, members + SPARE, limits.text_characters)


class JsonSizes:
    """Counts strings, lists, objects and members of a document that comes in parts."""

    def __init__(self, most: Most) -> None:
        """Begin with nothing."""
        self._most = most
        self._inside = False
        self._rest = b""
        self._quotes = self._containers = self._commas = 0
        self._open = 0.0

    def feed(self, data: bytes) -> None:
        """Count one part more.

        Raises:
            ApiError: There are more values than any request needs.
        """
        for start in range(0, len(data), STEP):
            self._count(self._rest + data[start : start + STEP])
            self._check()

    def _count(self, part: bytes) -> None:
        # A backslash that ends the part belongs to what follows, unless it is the second of a pair.
        trailing = len(part) - len(part.rstrip(_BACKSLASH))
        self._rest = _BACKSLASH if trailing % 2 else b""
        part = part[: len(part) - trailing % 2]
        self._open = self._open + _fewest_characters(part) if self._inside and b'"' not in part else 0.0
        pieces = part.replace(_PAIR, b"").replace(_QUOTE, b"").split(b'"')
        outside = b"".join(pieces[self._inside :: 2])
        self._inside ^= len(pieces) % 2 == 0
        self._quotes += len(pieces) - 1
        self._containers += outside.count(b"[") + outside.count(b"{")
        self._commas += outside.count(b",")

    def _check(self) -> None:
        most = self._most
        found = (
            ("strings", self._quotes // 2, most.strings),
            ("lists and objects", self._containers, most.containers),
            ("members of lists and objects", self._commas, most.members),
            ("characters in a text", int(self._open), most.characters),
        )
        for kind, count, limit in found:
            if count > limit:
                raise ApiError(TOO_MUCH, f"the body has {count} {kind} or more, the limit is {limit}: send several")


def _fewest_characters(part: bytes) -> float:
    """Return how many characters of a string a part of it holds at least."""
    return max(0.0, len(part.translate(None, _CONTINUATION)) - _ESCAPE * part.count(_BACKSLASH))
