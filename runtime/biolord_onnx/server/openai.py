"""OpenAI's interface."""

from __future__ import annotations

from typing import cast

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from biolord_onnx.server.answers import JsonResponse, openai_answer, stage_headers
from biolord_onnx.server.problems import INVALID, ApiError
from biolord_onnx.server.schemas import EmbeddingsRequest, documented, read_body
from biolord_onnx.server.service import Embedded, Service

TAG = "OpenAI"


def openai_routes(service: Service) -> APIRouter:
    """Make the routes."""
    router = APIRouter(tags=[TAG])

    @router.post("/v1/embeddings", openapi_extra=documented(EmbeddingsRequest))
    async def embeddings(request: Request) -> Response:
        """Embed texts; vectors have length 1, as OpenAI's do."""
        asked = await read_body(request, EmbeddingsRequest)
        dim = service.manifest.dim
        if asked.dimensions not in {None, dim}:
            raise ApiError(INVALID, f"dimensions is {asked.dimensions}, this model's vectors have {dim}: leave it out")
        found = await _embed(service, asked, request)
        body = openai_answer(found, service.manifest.name, asked.encoding_format)
        return JsonResponse(body, headers=stage_headers(found))

    @router.get("/v1/models")
    async def models() -> Response:
        """List the one model."""
        model = {"id": service.manifest.name, "object": "model", "created": 0, "owned_by": service.manifest.source.id}
        return JsonResponse({"object": "list", "data": [model]})

    return router


async def _embed(service: Service, asked: EmbeddingsRequest, request: Request) -> Embedded:
    if asked.input and isinstance(asked.input[0], list):
        return await service.embed_ids(asked.input, normalize=True, request=request)
    texts = cast("list[str]", asked.input)
    return await service.embed(texts, normalize=True, truncate=asked.truncate, request=request)
