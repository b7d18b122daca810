"""Hits of a search put in order by the server's cross-encoder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

from biolord_onnx.errors import BiolordError
from biolord_onnx.index.hits import Hit
from biolord_onnx.reranked import RerankedHit, rerank_hits
from biolord_onnx.reranker import Ranked, Reranker
from biolord_onnx.server.problems import FAILED, ApiError
from biolord_onnx.server.rerank import RerankService


@dataclass(frozen=True, slots=True)
class Reordered:
    """Hits in their new order.

    Attributes:
        hits: Of each query.
        truncated: How many pairs of query and name were cut.
    """

    hits: list[list[RerankedHit]]
    truncated: int


@dataclass(frozen=True, slots=True)
class Order:
    """What a search asks of the cross-encoder.

    Attributes:
        service: The cross-encoder.
        first: Hits of each query that are put in order.
        top: Hits of each query that are left.
    """

    service: RerankService
    first: int
    top: int

    async def put(self, queries: Sequence[str], found: Sequence[Sequence[Hit]]) -> Reordered:
        """Put the hits of n queries in order, a query after the other, so that others' come in between.

        Raises:
            ApiError: Too much waits, or the graph failed.
        """
        names = [[hit.name for hit in hits[: self.first]] for hits in found]
        watched = _Watched(self.service.reranker)
        ordered = []
        pairs = zip(queries, names, strict=True)
        with self.service.room.hold(sum(self.service.about_tokens(query, some) for query, some in pairs)):
            for query, hits, some in zip(queries, found, names, strict=True):
                cost = sum(len(query) + len(name) for name in some)
                try:
                    put = partial(rerank_hits, watched, query, hits, self.first)
                    ordered.append((await self.service.lane.run(cost, put))[: self.top])
                except BiolordError as error:
                    raise ApiError(FAILED, f"the graph failed: {error}") from error
        return Reordered(ordered, watched.truncated)


@dataclass(slots=True)
class _Watched:
    """A reranker that counts what is cut, rather than to warn of it."""

    reranker: Reranker
    truncated: int = field(default=0)

    def rank(self, query: str, texts: Sequence[str]) -> list[Ranked]:
        """Order texts, as `Reranker.rank`."""
        info = self.reranker.score_with_info(query, texts)
        self.truncated += int(info.truncated.sum())
        return [Ranked(place, float(info.scores[place])) for place in info.best().tolist()]
