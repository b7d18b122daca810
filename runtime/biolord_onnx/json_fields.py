"""Strictly typed reading of JSON objects: a wrong value is refused with its key, what it is and should be."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TypeVar

from biolord_onnx.errors import ArtifactError

JSON = None | bool | int | float | str | list["JSON"] | dict[str, "JSON"]
JSONObject = dict[str, JSON]
T = TypeVar("T")

_JSON_NAMES = {type(None): "null", dict: "an object", list: "a list", str: "a string", bool: "a boolean"}


def parse_object(text: str, source: str, remedy: str = "export the artefact again") -> Fields:
    """Parse ``text``, which must be one JSON object.

    Args:
        text: the JSON document.
        source: where it came from, for messages.
        remedy: what to do about a document that is none, for messages.

    Raises:
        ArtifactError: it isn't JSON (NaN, infinities and lone surrogates aren't either), or not an object.
    """
    try:
        value = json.loads(text, parse_constant=_refuse_constant)
        # A lone surrogate, written as an escape, could be neither printed nor written to a file.
        json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise ArtifactError(f"{source} is not valid JSON ({error}): the file is damaged, {remedy}") from error
    if not isinstance(value, dict):
        raise ArtifactError(f"{source} holds {describe(value)}, expected a JSON object: {remedy}")
    return Fields(source, value)


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not a JSON number")


def describe(value: object) -> str:
    """Say what a JSON value is, briefly: ``null``, ``a list``, ``'text'``, ``3``."""
    shown = repr(value) if isinstance(value, str | int | float) else _JSON_NAMES.get(type(value), "?")
    return shown if len(shown) <= 60 else f"{shown[:57]}..."


@dataclass(frozen=True, slots=True)
class Fields:
    """The members of one JSON object, read by name and type.

    Attributes:
        source: the file and the key path so far, for messages.
        members: the raw members.
    """

    source: str
    members: JSONObject

    def text(self, key: str) -> str:
        """Return the string under ``key``."""
        return self._typed(key, str, "a string")

    def optional_text(self, key: str) -> str | None:
        """Return the string under ``key``, or None for null."""
        return None if self._value(key) is None else self.text(key)

    def integer(self, key: str, *, least: int) -> int:
        """Return the integer under ``key``, which must be ``least`` or more."""
        value = self._typed(key, int, "an integer")
        if value < least:
            raise self.error(key, value, f"an integer of {least} or more")
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
        return Fields(f"{self.source}: {key}", self.mapping(key))

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

    def texts(self, key: str) -> tuple[str, ...]:
        """Return the strings of the list under ``key``."""
        items = self._typed(key, list, "a list of strings")
        fields = Fields(f"{self.source}: {key}", {str(i): item for i, item in enumerate(items)})
        return tuple(fields.text(index) for index in fields.members)

    def text_mapping(self, key: str) -> dict[str, str]:
        """Return the object under ``key``, whose values must be strings."""
        fields = self.child(key)
        return {name: fields.text(name) for name in fields.members}

    def error(self, key: str, found: object, expected: str) -> ArtifactError:
        """Build the error for a value that doesn't fit."""
        return ArtifactError(f"{self.source}: {key} is {describe(found)}, expected {expected}")

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
