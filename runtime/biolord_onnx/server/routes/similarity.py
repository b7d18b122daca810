"""text-embeddings-inference's comparison of one sentence with others."""

from __future__ import annotations

from typing import Literal

import numpy as np
from fastapi import APIRouter
from numpy.typing import NDArray
from pydantic import Field, StrictStr
from starlette.requests import Request
from starlette.responses import Response

from biolord_onnx.server.problems import EMPTY, ApiError
from biolord_onnx.server.routes.answers import dumps, timed
from biolord_onnx.server.routes.bodies import read_body
from biolord_onnx.server.routes.schemas import Body, TextList, documented
from biolord_onnx.server.routes.tei import TAG
from biolord_onnx.server.service import Service


class Sentences(Body):
    """A sentence and what it is compared with."""

    source_sentence: StrictStr = Field(description="The text that the others are compared with.")
    sentences: TextList = Field(description="The others.")


class Parameters(Body):
    """How sentences are embedded."""

    truncate: bool | None = Field(None, description="Whether texts over the limit are cut rather than refused.")
    truncation_direction: Literal["right", "Right"] = "right"
    prompt_name: StrictStr | None = Field(None, description="One of the model's prompts, to put in front of texts.")


class SimilarityRequest(Body):
    """text-embeddings-inference's request for cosines."""

    inputs: Sentences
    parameters: Parameters = Field(default_factory=lambda: Parameters.model_validate({}))


def similarity_routes(service: Service) -> APIRouter:
    """Make the route."""
    router = APIRouter(tags=[TAG])

    @router.post("/similarity", openapi_extra=documented(SimilarityRequest))
    async def similarity(request: Request) -> Response:
        """Compare a sentence with others: the answer is the cosine of each. In messages the sentence is text 0."""
        async with read_body(request, SimilarityRequest, service) as asked:
            if not asked.inputs.sentences:
                raise ApiError(EMPTY, "inputs.sentences is empty: send one or more")
            texts = [asked.inputs.source_sentence, *asked.inputs.sentences]
            wanted = service.wanted(normalize=True, prompt_name=asked.parameters.prompt_name)
            found = await service.embed(texts, wanted, truncate=asked.parameters.truncate, request=request)
        return timed(dumps(cosines(found.vectors)), found.stages_ms, found.truncated)

    return router


def cosines(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Compare the first of n unit vectors with the others.

    Args:
        vectors: [n, dim].

    Returns:
        [n - 1]; summed in float64, so that the order of the sum is lost in rounding.
    """
    wide = vectors.astype(np.float64)
    found: NDArray[np.float32] = (wide[1:] @ wide[0]).astype(np.float32)
    return found
