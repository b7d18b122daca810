"""Show on a terminal what an export is doing."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, TypeVar

from tqdm import tqdm

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Item = TypeVar("Item")


def track(items: Sequence[Item], label: str) -> Iterator[Item]:
    """Yield items under a progress bar on stderr; a stderr that isn't a terminal stays clean."""
    yield from tqdm(items, desc=label, disable=not sys.stderr.isatty(), leave=False, dynamic_ncols=True)
