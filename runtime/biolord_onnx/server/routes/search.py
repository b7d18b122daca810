"""The search of an index, and the names of codes: routes of our own."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from fastapi import APIRouter
from pydantic import Field, StrictInt, StrictStr
from starlette.requests import Request
from starlette.responses import Response

from biolord_onnx.index.hits import Hit
from biolord_onnx.index.index import TOP
from biolord_onnx.server.problems import NOT_FOUND, ApiError
from biolord_onnx.server.routes.answers import JSON, dumps, timed
from biolord_onnx.server.routes.bodies import read_body
from biolord_onnx.server.routes.schemas import Body, Texts, documented
from biolord_onnx.server.search import SearchService
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
    truncate: bool | None = Field(None, description="Whether queries over the limit are cut rather than refused.")

    def wish(self, rows: int) -> Wish:
        """Return what is asked for beside the queries, of an index of so many rows."""
        where = tuple((column, tuple(values)) for column, values in sorted(self.where.items()))
        top = min(TOP, rows) if self.top is None else self.top
        return Wish(top, where, self.min_score, self.all_names)


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
            service = _index(services)
            wish = asked.wish(service.index.rows)
            found = await service.search(asked.inputs, wish, truncate=asked.truncate, request=request)
        return timed(await _written(found.hits), found.stages_ms, found.truncated)

    @router.post("/lookup", openapi_extra=documented(LookupRequest))
    async def lookup(request: Request) -> Response:
        """Give all names of codes that the index of `--index` holds: a list for each, empty for one that it doesn't."""
        async with read_body(request, LookupRequest, services.vectors) as asked:
            hits = await _index(services).lookup(asked.codes, request=request)
        return Response(await _written(hits), media_type=JSON)

    return router


def _index(services: Services) -> SearchService:
    if services.search is None:
        raise ApiError(NOT_FOUND, "this server has no index to search: start it with --index INDEX")
    return services.search


async def _written(found: Sequence[Sequence[Hit]]) -> bytes:
    """Write hits, with pauses for others."""
    parts = []
    for hits in found:
        parts.append(dumps(hits))
        await asyncio.sleep(0)
    return b"[%b]" % b",".join(parts)
