"""The JSON files of a checkpoint, each read once: what was checked is what is used."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from biolord_export.errors import CheckpointError

if TYPE_CHECKING:
    from pathlib import Path

JsonObject = dict[str, object]

_READ: ContextVar[dict[Path, object] | None] = ContextVar("files that were read", default=None)


@contextmanager
def reading_once() -> Iterator[None]:
    """Take a file that was read already as it was then, until the outermost such block ends."""
    before = _READ.get()
    own = _READ.set({} if before is None else before)
    try:
        yield
    finally:
        _READ.reset(own)


def read_json_object(path: Path) -> JsonObject:
    """Read a JSON file that holds an object.

    Raises:
        CheckpointError: The file is missing, isn't JSON, or holds something else.
    """
    value = _read(path)
    if not isinstance(value, dict):
        raise CheckpointError(f"{path} holds a JSON {type(value).__name__}, expected an object")
    return {**value}


def read_json_if_there(path: Path) -> JsonObject:
    """Read a JSON file that holds an object, as `read_json_object`; nothing where there is none."""
    return read_json_object(path) if path.exists() else {}


def read_json_list(path: Path) -> list[JsonObject]:
    """Read a JSON file that holds a list of objects.

    Raises:
        CheckpointError: The file is missing, isn't JSON, or holds something else.
    """
    value = _read(path)
    if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
        raise CheckpointError(f"{path} is not a list of objects: download it again")
    return [*value]


def read_int(values: JsonObject, key: str, path: Path, default: int | None = None) -> int:
    """Read a whole number of at least 0 from a JSON object.

    Raises:
        CheckpointError: It is missing without a default, or isn't such a number.
    """
    value = values.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise CheckpointError(f"{path}: {key} is {value!r}, expected a whole number of at least 0")
    return value


def _read(path: Path) -> object:
    read = _READ.get()
    if read is None:
        return _parse(path)
    if path not in read:
        read[path] = _parse(path)
    return read[path]


def _parse(path: Path) -> object:
    if path.exists() and not path.is_file():  # a pipe would be waited for, forever
        raise CheckpointError(f"{path} is not readable JSON (it is no file): download it again")
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise CheckpointError(
            f"{path} is missing: give a sentence-transformers folder or a transformers checkpoint"
        ) from error
    except (ValueError, OSError, RecursionError) as error:
        raise CheckpointError(f"{path} is not readable JSON ({error}): download it again") from error
