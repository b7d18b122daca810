"""Names of rows: what sets rows of one name apart stands behind it, as in ``model [openvino]``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence


def distinct_names(names: Sequence[str], environments: Sequence[tuple[str, ...]]) -> list[str]:
    """Put behind each name that stands several times what differs between its environments.

    Args:
        names: n names.
        environments: n of one length, each what its row ran in.
    """
    counts = Counter(names)
    return [
        f"{name} [{_difference(own, [other for one, other in zip(names, environments, strict=True) if one == name])}]"
        if counts[name] > 1
        else name
        for name, own in zip(names, environments, strict=True)
    ]


def counted_threads(count: int) -> str:
    """Say how many threads."""
    return f"{count} thread{'s' if count > 1 else ''}"


def _difference(own: tuple[str, ...], alike: Sequence[tuple[str, ...]]) -> str:
    return ", ".join(value for value, column in zip(own, zip(*alike, strict=True), strict=True) if len(set(column)) > 1)
