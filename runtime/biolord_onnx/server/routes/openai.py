"""OpenAI's interface."""

from __future__ import annotations

from typing import cast

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from biolord_onnx.server.problems import NO_MODEL, ApiError
from biolord_onnx.server.routes.answers import JsonResponse, openai_answer
from biolord_onnx.server.routes.bodies import read_body
from biolord_onnx.server.routes.schemas import EmbeddingsRequest, documented
from biolord_onnx.server.service import Embedded, Service

TAG = "OpenAI"


def openai_routes(service: Service) -> APIRouter:
    """Make the routes."""
    router = APIRouter(tags=[TAG])
    name = service.manifest.name
    described = {"id": name, "object": "model", "created": 0, "owned_by": service.manifest.source.id}

    @router.post("/v1/embeddings", openapi_extra=documented(EmbeddingsRequest))
    async def embeddings(request: Request) -> Response:
        """Embed texts; vectors have length 1, as OpenAI's do."""
        async with read_body(request, EmbeddingsRequest, service) as asked:
            found = await _embed(service, asked, request)
        return await openai_answer(found, name, asked.encoding_format)

    @router.get("/v1/models")
    async def models() -> Response:
        """List the one model."""
        return JsonResponse({"object": "list", "data": [described]})

    @router.get("/v1/models/{model:path}")
    async def one_model(model: str) -> Response:
        """Describe the one model."""
        if model != name:
            raise ApiError(NO_MODEL, f"there is no such model here, the one that there is has the id {name}")
        return JsonResponse(described)

    return router


async def _embed(service: Service, asked: EmbeddingsRequest, request: Request) -> Embedded:
    wanted = service.wanted(normalize=True, dimensions=asked.dimensions)
    if asked.input and isinstance(asked.input[0], list):
        return await service.embed_ids(asked.input, wanted, request=request)
    texts = cast("list[str]", asked.input)
    return await service.embed(texts, wanted, truncate=asked.truncate, request=request)
