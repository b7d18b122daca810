"""The search of an index: a route of our own."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter
from pydantic import Field, StrictInt, StrictStr
from starlette.requests import Request
from starlette.responses import Response

from biolord_onnx.server.problems import NOT_FOUND, ApiError
from biolord_onnx.server.routes.answers import dumps, timed
from biolord_onnx.server.routes.bodies import read_body
from biolord_onnx.server.routes.schemas import Body, Texts, documented
from biolord_onnx.server.search import Searched, SearchService
from biolord_onnx.server.services import Services
from biolord_onnx.server.work.scanner import Wish

TAG = "search"


class SearchRequest(Body):
    """A request for the nearest entries of the index."""

    inputs: Texts = Field(description="A query or queries.")
    top: StrictInt = Field(10, ge=1, description="Most hits of a query.")
    where: dict[StrictStr, Texts] = Field({}, description="Kept columns, each with the value, or values, to have.")
    min_score: float | None = Field(None, ge=-1, le=1, description="Hits below this cosine are left out.")
    all_names: bool = Field(default=False, description="Whether each name of a code is a hit of its own.")
    truncate: bool | None = Field(None, description="Whether queries over the limit are cut rather than refused.")

    @property
    def wish(self) -> Wish:
        """What is asked for beside the queries."""
        where = tuple((column, tuple(values)) for column, values in sorted(self.where.items()))
        return Wish(self.top, where, self.min_score, self.all_names)


def search_routes(services: Services) -> APIRouter:
    """Make the route."""
    router = APIRouter(tags=[TAG])

    @router.post("/search", openapi_extra=documented(SearchRequest))
    async def search(request: Request) -> Response:
        """Find the nearest entries of the index of `--index`: a list of hits for each query, the best first."""
        async with read_body(request, SearchRequest, services.vectors) as asked:
            found = await _index(services).search(asked.inputs, asked.wish, truncate=asked.truncate, request=request)
        return await _answer(found)

    return router


def _index(services: Services) -> SearchService:
    if services.search is None:
        raise ApiError(NOT_FOUND, "this server has no index to search: start it with --index INDEX")
    return services.search


async def _answer(found: Searched) -> Response:
    """Write the hits, with pauses for others."""
    parts = []
    for hits in found.hits:
        parts.append(dumps(hits))
        await asyncio.sleep(0)
    return timed(b"[%b]" % b",".join(parts), found.stages_ms, found.truncated)
