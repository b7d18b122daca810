"""Strictly typed reading of JSON objects: a wrong value is refused with its key, what it is and should be."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeVar

from biolord_onnx.errors import ArtifactError

JSON = None | bool | int | float | str | list["JSON"] | dict[str, "JSON"]
JSONObject = dict[str, JSON]
T = TypeVar("T")

MOST_DIGITS = 18
"""Of an integer: what 64 bits hold for sure, floats don't overflow on, and Python prints."""
DEEPEST = 32
"""Lists and objects in one another: a walk over them doesn't exhaust the stack."""

_JSON_NAMES = {type(None): "null", dict: "an object", list: "a list", str: "a string", bool: "a boolean"}


def parse_object(text: str, source: str, remedy: str = "export the artifact again") -> Fields:
    """Parse ``text``, which must be one JSON object.

    Args:
        text: The JSON document.
        source: Where it came from, for messages.
        remedy: What to do about a document that is none, for messages.

    Raises:
        ArtifactError: It isn't JSON (NaN, infinities, lone surrogates, huge integers, keys that stand twice
            and deep nesting aren't either), or not an object.
    """
    try:
        value = json.loads(
            text,
            parse_constant=refuse_constant,
            parse_float=_finite_number,
            parse_int=_bounded_integer,
            object_pairs_hook=unique_members,
        )
        _check_depth(value)
        # A lone surrogate, written as an escape, could be neither printed nor written to a file.
        json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise ArtifactError(f"{source} is not valid JSON ({error}): the file is damaged, {remedy}") from error
    if not isinstance(value, dict):
        raise ArtifactError(f"{source} holds {describe(value)}, expected a JSON object: {remedy}")
    return Fields(source, value)


def unique_members(members: list[tuple[str, JSON]]) -> JSONObject:
    """Make an object of its members; a hook for ``json.loads``.

    Raises:
        ValueError: A key stands twice: readers differ in which of its values they take.
    """
    found = dict(members)
    if len(found) < len(members):
        counts = Counter(key for key, _ in members)
        key, count = counts.most_common(1)[0]
        raise ValueError(f"the key {describe(key)} stands {count} times in one object")
    return found


def _bounded_integer(digits: str) -> int:
    count = len(digits.removeprefix("-"))
    if count > MOST_DIGITS:
        raise ValueError(f"an integer of {count} digits, expected {MOST_DIGITS} at most")
    return int(digits)


def _finite_number(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise ValueError(f"{describe(digits)} is too large a number")
    return number


def refuse_constant(name: str) -> float:
    """Refuse NaN and infinities; a hook for ``json.loads``.

    Raises:
        ValueError: Always.
    """
    raise ValueError(f"{name} is not a JSON number")


def _check_depth(value: JSON) -> None:
    level: list[JSON] = [value]
    for _ in range(DEEPEST + 1):
        level = [inner for outer in level for inner in _members(outer)]
        if not level:
            return
    raise ValueError(f"more than {DEEPEST} lists and objects in one another")


def _members(value: JSON) -> Iterable[JSON]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def describe(value: object) -> str:
    """Say what a JSON value is, briefly: ``null``, ``a list``, ``'text'``, ``3``."""
    shown = repr(value) if isinstance(value, str | int | float) else _JSON_NAMES.get(type(value), "?")
    return shown if len(shown) <= 60 else f"{shown[:57]}..."


def _named(key: str) -> str:
    """Name a key, which may hold anything, in a message."""
    return key if key.isprintable() and len(key) <= 60 else describe(key)


@dataclass(frozen=True, slots=True)
class Fields:
    """The members of one JSON object, read by name and type.

    Attributes:
        source: The file and the key path so far, for messages.
        members: The raw members.
    """

    source: str
    members: JSONObject

    def text(self, key: str, *, longest: int | None = None) -> str:
        """Return the string under ``key``, of ``longest`` characters or fewer."""
        value = self._typed(key, str, "a string")
        if longest is not None and len(value) > longest:
            raise self.error(key, f"a string of {len(value)} characters", f"{longest} at most", quoted=False)
        return value

    def matching(self, key: str, pattern: re.Pattern[str], expected: str) -> str:
        """Return the string under ``key``, which must match a pattern as a whole."""
        value = self.text(key)
        if not pattern.fullmatch(value):
            raise self.error(key, value, expected)
        return value

    def optional_text(self, key: str, *, longest: int | None = None) -> str | None:
        """Return the string under ``key``, or None for null."""
        return None if self._value(key) is None else self.text(key, longest=longest)

    def integer(self, key: str, *, least: int, most: int | None = None) -> int:
        """Return the integer under ``key``, which must be ``least`` or more, and ``most`` or less."""
        value = self._typed(key, int, "an integer")
        if value < least:
            raise self.error(key, value, f"an integer of {least} or more")
        if most is not None and value > most:
            raise self.error(key, value, f"an integer of {most} or less")
        return value

    def number(self, key: str, *, least: float = 0) -> float:
        """Return the number under ``key``, which must be finite and ``least`` or more."""
        value = self._value(key)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.error(key, value, "a number")
        if not math.isfinite(value) or value < least:
            raise self.error(key, value, f"a number of {least} or more")
        return float(value)

    def optional_number(self, key: str) -> float | None:
        """Return the number under ``key``, or None for null."""
        return None if self._value(key) is None else self.number(key)

    def boolean(self, key: str) -> bool:
        """Return the boolean under ``key``."""
        return self._typed(key, bool, "true or false")

    def mapping(self, key: str) -> JSONObject:
        """Return the free-form object under ``key``, uninterpreted."""
        return self._typed(key, dict, "an object")

    def optional_mapping(self, key: str) -> JSONObject | None:
        """Return the free-form object under ``key``, or None for null."""
        return None if self._value(key) is None else self.mapping(key)

    def child(self, key: str) -> Fields:
        """Return the object under ``key`` as fields of its own."""
        return Fields(f"{self.source}: {_named(key)}", self.mapping(key))

    def optional_child(self, key: str) -> Fields | None:
        """Return the object under ``key`` as fields of its own, or None for null."""
        return None if self._value(key) is None else self.child(key)

    def optional_integer(self, key: str, *, least: int) -> int | None:
        """Return the integer under ``key``, which must be ``least`` or more, or None for null."""
        return None if self._value(key) is None else self.integer(key, least=least)

    def children(self, key: str) -> list[Fields]:
        """Return the objects of the list under ``key``."""
        items = self._typed(key, list, "a list of objects")
        return [Fields(f"{self.source}: {key}", {str(i): item}).child(str(i)) for i, item in enumerate(items)]

    def optional_children(self, key: str) -> list[Fields] | None:
        """Return the objects of the list under ``key``, or None for null."""
        return None if self._value(key) is None else self.children(key)

    def numbers(self, key: str, *, least: float = 0) -> tuple[float, ...]:
        """Return the numbers of the list under ``key``, which must be finite and ``least`` or more."""
        items = self._typed(key, list, "a list of numbers")
        fields = Fields(f"{self.source}: {key}", {str(i): item for i, item in enumerate(items)})
        return tuple(fields.number(index, least=least) for index in fields.members)

    def integers(self, key: str, *, least: int, most: int) -> tuple[int, ...]:
        """Return the integers of the list under ``key``, which must be in a range."""
        items = self._typed(key, list, "a list of integers")
        fields = Fields(f"{self.source}: {key}", {str(i): item for i, item in enumerate(items)})
        return tuple(fields.integer(index, least=least, most=most) for index in fields.members)

    def texts(self, key: str, *, longest: int | None = None) -> tuple[str, ...]:
        """Return the strings of the list under ``key``."""
        items = self._typed(key, list, "a list of strings")
        fields = Fields(f"{self.source}: {key}", {str(i): item for i, item in enumerate(items)})
        return tuple(fields.text(index, longest=longest) for index in fields.members)

    def text_mapping(self, key: str, *, longest: int | None = None) -> dict[str, str]:
        """Return the object under ``key``, whose values must be strings."""
        fields = self.child(key)
        return {name: fields.text(name, longest=longest) for name in fields.members}

    def integer_mapping(self, key: str, *, least: int, most: int) -> dict[str, int]:
        """Return the object under ``key``, whose values must be integers in a range."""
        fields = self.child(key)
        return {name: fields.integer(name, least=least, most=most) for name in fields.members}

    def error(self, key: str, found: object, expected: str, *, quoted: bool = True) -> ArtifactError:
        """Build the error for a value that doesn't fit, or for what is said of it where that isn't ``quoted``."""
        return ArtifactError(
            f"{self.source}: {_named(key)} is {describe(found) if quoted else found}, expected {expected}"
        )

    def _value(self, key: str) -> JSON:
        if key not in self.members:
            raise ArtifactError(f"{self.source}: the key {key} is missing")
        return self.members[key]

    def _typed(self, key: str, kind: type[T], expected: str) -> T:
        value = self._value(key)
        # type(), not isinstance: true and false are integers to Python.
        if type(value) is not kind:
            raise self.error(key, value, expected)
        return value
