"""The order of texts by how well they answer a query, in two interfaces."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import uuid4

from fastapi import APIRouter
from pydantic import Field, PlainValidator, StrictInt, StrictStr, WithJsonSchema
from starlette.requests import Request
from starlette.responses import Response

from biolord_onnx.server.problems import INVALID, ApiError
from biolord_onnx.server.rerank import Reranked, RerankService
from biolord_onnx.server.routes.answers import dumps, timed
from biolord_onnx.server.routes.bodies import read_body
from biolord_onnx.server.routes.schemas import Body, TextList, documented
from biolord_onnx.server.routes.tei import TAG
from biolord_onnx.server.services import Services


def _documents(value: object) -> list[str]:
    """Take a list of strings, or of objects that have nothing but a text."""
    if isinstance(value, list):
        texts = [one["text"] if isinstance(one, dict) and one.keys() == {"text"} else one for one in value]
        if all(isinstance(text, str) for text in texts):
            return texts
    raise ValueError('expected a list of strings, or of {"text": string}')


_DOCUMENT = {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}
Documents = Annotated[
    list[str],
    PlainValidator(_documents),
    WithJsonSchema({"type": "array", "items": {"anyOf": [{"type": "string"}, _DOCUMENT]}}),
]
_TRUNCATE = "Whether pairs over the limit are cut rather than refused."


class RerankRequest(Body):
    """text-embeddings-inference's request for an order."""

    query: StrictStr = Field(description="What the texts are to answer.")
    texts: TextList = Field(description="The texts.")
    truncate: bool | None = Field(None, description=_TRUNCATE)
    truncation_direction: Literal["right", "Right"] = "right"
    raw_scores: bool = Field(default=False, description="Whether scores are those before the checkpoint's activation.")
    return_text: bool = Field(default=False, description="Whether the texts come back.")


class DocumentsRequest(Body):
    """Cohere's and Jina's request for an order."""

    query: StrictStr = Field(description="What the documents are to answer.")
    documents: Documents = Field(description="Texts, as strings or as the member `text` of objects.")
    top_n: StrictInt | None = Field(None, ge=1, description="Most documents of the answer; all if not given.")
    return_documents: bool = Field(default=False, description="Whether the texts come back.")
    max_tokens_per_doc: StrictInt | None = Field(None, description="The model's limit of tokens or more, if given.")
    truncate: bool | None = Field(None, description=_TRUNCATE)


def rerank_routes(services: Services) -> APIRouter:
    """Make the routes."""
    router = APIRouter()

    @router.post("/rerank", tags=[TAG], openapi_extra=documented(RerankRequest))
    async def rerank(request: Request) -> Response:
        """Order texts by how well they answer a query, with the artifact of `--reranker`; the best comes first."""
        async with read_body(request, RerankRequest, services.vectors) as asked:
            reranker, truncate = services.reranking(), asked.truncate
            found = await reranker.rerank(asked.query, asked.texts, truncate=truncate, request=request)
        shown = found.logits if asked.raw_scores else found.scores
        texts = [{"text": text} if asked.return_text else {} for text in asked.texts]
        ranks = [{"index": place, **texts[place], "score": shown[place]} for place in found.order]
        return timed(dumps(ranks), found.stages_ms, found.truncated)

    @router.post("/v1/rerank", tags=["Cohere, Jina"], openapi_extra=documented(DocumentsRequest))
    async def rerank_documents(request: Request) -> Response:
        """Order documents by how well they answer a query, with the artifact of `--reranker`; the best comes first."""
        async with read_body(request, DocumentsRequest, services.vectors) as asked:
            reranker, truncate = services.reranking(), asked.truncate
            _check_tokens(asked.max_tokens_per_doc, reranker)
            found = await reranker.rerank(asked.query, asked.documents, truncate=truncate, request=request)
        answer = _documents_answer(asked, found, reranker.reranker.manifest.name)
        return timed(dumps(answer), found.stages_ms, found.truncated)

    return router


def _check_tokens(asked: int | None, service: RerankService) -> None:
    limit = service.reranker.max_length
    if asked is not None and asked < limit:
        raise ApiError(INVALID, f"max_tokens_per_doc is {asked}, this model reads up to {limit}: leave it out")


def _documents_answer(asked: DocumentsRequest, found: Reranked, model: str) -> dict[str, object]:
    documents = [{"document": {"text": text}} if asked.return_documents else {} for text in asked.documents]
    return {
        "id": f"rerank-{uuid4().hex}",
        "object": "list",
        "model": model,
        "results": [
            {"index": place, "relevance_score": found.scores[place], **documents[place]}
            for place in found.order[: asked.top_n]
        ],
        "usage": {"prompt_tokens": found.tokens, "total_tokens": found.tokens},
    }
