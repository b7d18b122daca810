"""What may stand in a checkpoint's settings, key by key: nothing is left out that would change a vector."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from biolord_export.errors import CheckpointError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SHOWN = 80
"""Characters of a value that a message shows."""


@dataclass(frozen=True, slots=True)
class Key:
    """A key of a settings file.

    Attributes:
        why: What the key does; for one that may have any value, why none of them changes a vector.
        values: Those that the exporter carries out; None where any will do, or where another module reads it.
    """

    why: str
    values: tuple[object, ...] | None = None


def check_keys(values: Mapping[str, object], path: Path, keys: Mapping[str, Key], *, only: bool) -> None:
    """Refuse what the exporter doesn't carry out.

    Args:
        values: What the file holds.
        path: Which file.
        keys: What is known of its keys.
        only: Whether these are all keys that there are: any other is refused then, because what it changes is unknown.

    Raises:
        CheckpointError: Names the key, its value, and those that are carried out.
    """
    for name, value in values.items():
        key = keys.get(name)
        if key is None and only:
            raise CheckpointError(
                f"{path}: {name} is {shown(value)}, a key that the exporter doesn't know and that may change vectors: "
                f"take it out if it doesn't (known are {', '.join(keys)})"
            )
        if key is not None and key.values is not None and not any(_same(value, one) for one in key.values):
            expected = " or ".join(map(repr, key.values))
            raise CheckpointError(
                f"{path}: {name} is {shown(value)}, the exporter writes only {expected}: "
                f"it can't convert this checkpoint ({key.why})"
            )


def shown(value: object) -> str:
    """Show a value in a message, cut if it is long."""
    text = repr(value)
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 3]}..."


def _same(found: object, expected: object) -> bool:
    # As JSON, where 1 isn't true; Python's == would take it for that.
    return json.dumps(found, sort_keys=True) == json.dumps(expected, sort_keys=True)
