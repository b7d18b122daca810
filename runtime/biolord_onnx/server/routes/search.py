"""The search of an index, and the names of codes: routes of our own."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import asdict

from fastapi import APIRouter
from pydantic import Field, StrictInt, StrictStr
from starlette.requests import Request
from starlette.responses import Response

from biolord_onnx.index.hits import Hit
from biolord_onnx.index.index import TOP
from biolord_onnx.reranked import RerankedHit, hits_wanted
from biolord_onnx.server.reorder import Order
from biolord_onnx.server.routes.answers import JSON, dumps, timed
from biolord_onnx.server.routes.bodies import read_body
from biolord_onnx.server.routes.schemas import Body, Texts, documented
from biolord_onnx.server.services import Services
from biolord_onnx.server.work.scanner import Wish

TAG = "search"


class SearchRequest(Body):
    """A request for the nearest entries of the index."""

    inputs: Texts = Field(description="A query or queries.")
    top: StrictInt | None = Field(None, ge=1, description="Most hits of a query; null: 10, or all there are.")
    where: dict[StrictStr, Texts] = Field({}, description="Kept columns, each with the value, or values, to have.")
    min_score: float | None = Field(None, ge=-1, le=1, description="Hits below this cosine are left out.")
    all_names: bool = Field(default=False, description="Whether each name of a code is a hit of its own.")
    rerank: StrictInt | None = Field(
        None, ge=1, description="Hits of each query that the artifact of `--reranker` puts in order, such as 50."
    )
    truncate: bool | None = Field(None, description="Whether queries over the limit are cut rather than refused.")

    def shown(self, rows: int) -> int:
        """Return how many hits of a query are shown, of an index of so many rows."""
        return min(TOP, rows) if self.top is None else self.top

    def wish(self, rows: int) -> Wish:
        """Return what is looked for beside the queries, of an index of so many rows."""
        where = tuple((column, tuple(values)) for column, values in sorted(self.where.items()))
        shown = self.shown(rows)
        top = shown if self.rerank is None else hits_wanted(shown, self.rerank, rows)
        return Wish(top, where, self.min_score, self.all_names)

    def order(self, services: Services) -> Order | None:
        """Return what is done with the hits.

        Raises:
            ApiError: It can't be done here.
        """
        if self.rerank is None:
            return None
        return Order(services.reranking(), self.rerank, self.shown(services.searching().index.rows))


class LookupRequest(Body):
    """A request for the names of codes."""

    codes: Texts = Field(description="A code or codes.")


def search_routes(services: Services) -> APIRouter:
    """Make the route."""
    router = APIRouter(tags=[TAG])

    @router.post("/search", openapi_extra=documented(SearchRequest))
    async def search(request: Request) -> Response:
        """Find the nearest entries of the index of `--index`: a list of hits for each query, the best first."""
        async with read_body(request, SearchRequest, services.vectors) as asked:
            service = services.searching()
            wish, order = asked.wish(service.index.rows), asked.order(services)
            found = await service.search(asked.inputs, wish, truncate=asked.truncate, order=order, request=request)
        return timed(await _written(found.hits), found.stages_ms, found.truncated)

    @router.post("/lookup", openapi_extra=documented(LookupRequest))
    async def lookup(request: Request) -> Response:
        """Give all names of codes that the index of `--index` holds: a list for each, empty for one that it doesn't."""
        async with read_body(request, LookupRequest, services.vectors) as asked:
            hits = await services.searching().lookup(asked.codes, request=request)
        return Response(await _written(hits), media_type=JSON)

    return router


async def _written(found: Sequence[Sequence[Hit | RerankedHit]]) -> bytes:
    """Write hits, with pauses for others."""
    parts = []
    for hits in found:
        parts.append(dumps([_members(hit) for hit in hits]))
        await asyncio.sleep(0)
    return b"[%b]" % b",".join(parts)


def _members(hit: Hit | RerankedHit) -> object:
    """Return what is written of a hit, as `biolord search --json` writes it."""
    return hit if isinstance(hit, Hit) else {**asdict(hit.hit), "rerank_score": hit.rerank_score}
