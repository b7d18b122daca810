"""Answers as they go over the wire."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray
from starlette.responses import Response

from biolord_onnx.server.service import Embedded


class JsonResponse(Response):
    """JSON by orjson, which writes numpy arrays without a detour."""

    media_type = "application/json"

    def render(self, content: object) -> bytes:
        """Write the content."""
        return orjson.dumps(content, option=orjson.OPT_SERIALIZE_NUMPY)


def stage_headers(found: Embedded) -> dict[str, str]:
    """Tell where the time went, and how many texts were cut."""
    timing = ", ".join(f"{name};dur={milliseconds:.2f}" for name, milliseconds in found.stages_ms.items())
    return {"server-timing": timing, "x-truncated-texts": str(found.truncated)}


def openai_answer(found: Embedded, model: str, encoding: str) -> dict[str, Any]:
    """Put vectors into OpenAI's form."""
    data = [
        {"object": "embedding", "index": index, "embedding": _base64(row) if encoding == "base64" else row}
        for index, row in enumerate(found.vectors)
    ]
    usage = {"prompt_tokens": found.tokens, "total_tokens": found.tokens}
    return {"object": "list", "data": data, "model": model, "usage": usage}


def _base64(row: NDArray[np.float32]) -> str:
    return base64.b64encode(row.astype("<f4").tobytes()).decode("ascii")
