"""Answers as they go over the wire."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import orjson
from numpy.typing import NDArray
from starlette.responses import Response

from biolord_onnx.server.service import Embedded

JSON = "application/json"
ROWS = 16
"""Vectors that are written in one go, in about a millisecond; others' requests come in between."""
Row = NDArray[np.float32]


class JsonResponse(Response):
    """JSON by orjson, which writes numpy arrays without a detour."""

    media_type = JSON

    def render(self, content: object) -> bytes:
        """Write the content."""
        return dumps(content)


async def tei_answer(found: Embedded) -> Response:
    """Put vectors into text-embeddings-inference's form."""
    return timed(b"[%b]" % await _members(found.vectors, lambda _, row: row), found.stages_ms, found.truncated)


async def openai_answer(found: Embedded, model: str, encoding: str) -> Response:
    """Put vectors into OpenAI's form."""

    def member(index: int, row: Row) -> object:
        return {"object": "embedding", "index": index, "embedding": _base64(row) if encoding == "base64" else row}

    usage = {"prompt_tokens": found.tokens, "total_tokens": found.tokens}
    head = dumps({"object": "list", "model": model, "usage": usage})
    body = b'%b,"data":[%b]}' % (head[:-1], await _members(found.vectors, member))
    return timed(body, found.stages_ms, found.truncated)


def joined(parts: Sequence[bytes]) -> bytes:
    """Join lists that were written apart."""
    return b",".join(part[1:-1] for part in parts)


async def _members(vectors: NDArray[np.float32], member: Callable[[int, Row], object]) -> bytes:
    """Write the members of a list, with pauses for others."""
    parts = []
    for start in range(0, len(vectors), ROWS):
        if start:
            await asyncio.sleep(0)
        rows = vectors[start : start + ROWS]
        parts.append(dumps([member(start + place, row) for place, row in enumerate(rows)]))
    return joined(parts)


def timed(body: bytes, stages_ms: Mapping[str, float], truncated: int) -> Response:
    """Answer with JSON; tell where the time went, and how many texts were cut, in headers."""
    timing = ", ".join(f"{name};dur={milliseconds:.2f}" for name, milliseconds in stages_ms.items())
    headers = {"server-timing": timing, "x-truncated-texts": str(truncated)}
    return Response(body, headers=headers, media_type=JSON)


def dumps(content: object) -> bytes:
    """Write JSON, numpy's arrays among it."""
    return orjson.dumps(content, option=orjson.OPT_SERIALIZE_NUMPY)


def _base64(row: Row) -> str:
    return base64.b64encode(row.astype("<f4").tobytes()).decode("ascii")
