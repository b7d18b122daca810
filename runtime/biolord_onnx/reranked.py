"""Hits of a search, the first of them put in order by a reranker: what search, link and the server share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from biolord_onnx.index.hits import Hit
    from biolord_onnx.reranker import Ranked, Reranker

FIRST = 50
"""Hits of a query that are reranked."""


class Ranks(Protocol):
    """What orders texts: a `Reranker`, or one that is watched."""

    def rank(self, query: str, texts: Sequence[str]) -> list[Ranked]:
        """Order texts by how well they answer a query, best first."""
        ...


@dataclass(frozen=True, slots=True)
class Reranking:
    """A reranker, and how many hits of a query it puts in order."""

    reranker: Reranker
    first: int = FIRST

    def wanted(self, top: int, rows: int) -> int:
        """Return how many hits a search of an index with so many rows has to give."""
        return hits_wanted(top, self.first, rows)

    def order(self, query: str, hits: Sequence[Hit]) -> list[RerankedHit]:
        """Return all hits, the first of them in the reranker's order."""
        return rerank_hits(self.reranker, query, hits, self.first)


@dataclass(frozen=True, slots=True)
class RerankedHit:
    """A hit in its new place.

    Attributes:
        hit: As the search found it, with its cosine.
        rerank_score: How well its name fits the query by the reranker, None for one behind those that were reranked.
    """

    hit: Hit
    rerank_score: float | None


def hits_wanted(top: int, first: int, rows: int) -> int:
    """Return how many hits a search has to give, so that some can be reranked and enough are left.

    Args:
        top: How many are asked for.
        first: How many are reranked, if there are so many.
        rows: Of the index.
    """
    return max(top, min(first, rows))


def rerank_hits(reranker: Ranks, query: str, hits: Sequence[Hit], first: int = FIRST) -> list[RerankedHit]:
    """Put the first hits of a query in the reranker's order, the others behind them as they are.

    Names that equal the query stay in front: no score can say more for a name than that.

    Args:
        reranker: Scores the names.
        query: The text that was looked for.
        hits: In the search's order.
        first: How many of them are reranked.

    Raises:
        BiolordError: As `Reranker.rank`.
    """
    head = hits[:first]
    ranked = reranker.rank(query, [hit.name for hit in head])
    ranked.sort(key=lambda one: not head[one.place].exact)
    return [
        *(RerankedHit(head[one.place], one.score) for one in ranked),
        *(RerankedHit(hit, None) for hit in hits[first:]),
    ]
