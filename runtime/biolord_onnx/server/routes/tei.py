"""The interface of text-embeddings-inference."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from biolord_onnx import __version__
from biolord_onnx.server.routes.answers import JSON, JsonResponse, joined, tei_answer
from biolord_onnx.server.routes.bodies import read_body
from biolord_onnx.server.routes.schemas import EmbedRequest, TokenizeRequest, documented
from biolord_onnx.server.service import TOKENIZING_THREADS
from biolord_onnx.server.services import Services
from biolord_onnx.server.work.batcher import RUN_TOKENS

TAG = "text-embeddings-inference"


def tei_routes(services: Services) -> APIRouter:
    """Make the routes."""
    router = APIRouter(tags=[TAG])
    service = services.vectors

    @router.post("/embed", openapi_extra=documented(EmbedRequest))
    async def embed(request: Request) -> Response:
        """Embed texts."""
        async with read_body(request, EmbedRequest, service) as asked:
            wanted = service.wanted(
                normalize=asked.normalize, dimensions=asked.dimensions, prompt_name=asked.prompt_name
            )
            found = await service.embed(asked.inputs, wanted, truncate=asked.truncate, request=request)
        return await tei_answer(found)

    # Clients of the hub's inference send what /embed takes to the root.
    router.add_api_route("/", embed, methods=["POST"], openapi_extra=documented(EmbedRequest))

    @router.post("/tokenize", openapi_extra=documented(TokenizeRequest))
    async def tokenize(request: Request) -> Response:
        """Cut texts into tokens, the first and last ones of a text included."""
        async with read_body(request, TokenizeRequest, service) as asked:
            wanted = service.wanted(normalize=True, prompt_name=asked.prompt_name)
            parts = await service.tokenize(asked.inputs, wanted, special=asked.add_special_tokens, request=request)
        return Response(b"[%b]" % joined(parts), media_type=JSON)

    @router.get("/info")
    async def info() -> Response:
        """Tell what runs and what it takes."""
        return JsonResponse(describe(services))

    return router


def describe(services: Services) -> dict[str, Any]:
    """Tell what runs, first in the words of text-embeddings-inference, then in ours."""
    service = services.vectors
    manifest, limits = service.manifest, service.settings.limits
    return {
        "model_id": manifest.source.id,
        "model_sha": manifest.source.revision,
        "model_dtype": manifest.target,
        "model_type": {"embedding": {"pooling": manifest.pooling}},
        "max_concurrent_requests": limits.requests,
        "max_input_length": manifest.max_length.value,
        "max_batch_tokens": RUN_TOKENS,
        "max_batch_requests": None,
        "max_client_batch_size": limits.texts,
        "auto_truncate": service.settings.auto_truncate,
        "tokenization_workers": TOKENIZING_THREADS,
        "version": __version__,
        "sha": None,
        "docker_label": None,
        "artifact": manifest.name,
        "dim": service.dim,
        "prompts": manifest.prompts.texts,
        "default_prompt_name": manifest.prompts.default,
        "provider": service.provider,
        "threads": service.threads,
        "requires": {"operators": manifest.requires.operators},
        "kernels": service.kernels,
        "fidelity": manifest.fidelity,
        "index": None if services.search is None else services.search.describe(),
        "reranker": None if services.rerank is None else services.rerank.describe(),
    }
