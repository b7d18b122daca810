"""What is known to be right about a term, and where that stands among its candidates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from biolord_onnx.index.hits import Hit


@dataclass(frozen=True, slots=True)
class Judged:
    """A term whose codes are known.

    Attributes:
        rank: Of the first candidate that is right, from 1; None if none is.
        score: Of the first candidate; 1 if it is exact, for no threshold leaves that out; None without any.
    """

    rank: int | None
    score: float | None


def codes(cell: str, separator: str | None) -> tuple[str, ...]:
    """Return the codes of a cell, any of which is right; none of an empty cell.

    Args:
        cell: Holds one, or several.
        separator: Stands between several, None where a cell holds one.
    """
    parts = [cell] if separator is None else cell.split(separator)
    return tuple(code for part in parts if (code := part.strip()))


def judge(gold: Sequence[str], hits: Sequence[Hit]) -> Judged:
    """Look for the right codes among candidates.

    Args:
        gold: Any of them is right.
        hits: Candidates, best first, whatever their score.
    """
    rank = next((rank for rank, hit in enumerate(hits, start=1) if hit.code in gold), None)
    return Judged(rank, _score(hits[0]) if hits else None)


def _score(hit: Hit) -> float:
    return 1.0 if hit.exact else hit.score
