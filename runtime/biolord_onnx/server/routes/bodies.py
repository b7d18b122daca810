"""How requests' bodies are read: counted as they come, and the large ones few at a time and beside the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TypeVar

import orjson
from pydantic import ValidationError
from starlette.requests import Request

from biolord_onnx.server.limits.sizes import JsonSizes, Most
from biolord_onnx.server.problems import COMPRESSED, INVALID, MALFORMED, SLOW_BODY, ApiError
from biolord_onnx.server.routes.schemas import Body
from biolord_onnx.server.service import Service

LARGE = 65_536
"""Bytes of a body that is read, parsed and computed as one of a few; smaller ones are nothing."""
SLOWEST = 100_000
"""Bytes a second that a large body must come in, for it keeps others waiting, and seconds before that counts."""
GRACE_S = 10.0
GZIP = b"\x1f\x8b"

AnyBody = TypeVar("AnyBody", bound=Body)


@asynccontextmanager
async def read_body(request: Request, kind: type[AnyBody], service: Service) -> AsyncIterator[AnyBody]:
    """Read a request's body, and hold the place of a large one as long as the block runs.

    Raises:
        ApiError: It isn't JSON, not what the route takes, or too much.
    """
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding != "identity":
        raise ApiError(COMPRESSED, f"the body is compressed ({encoding[:20]!a}): send it as it is")
    async with AsyncExitStack() as held:
        data = await _receive(request, service, held)
        if len(data) <= LARGE:
            yield _parse(data, kind)
        else:
            yield await service.heavy.run(len(data), lambda: _parse(data, kind))


async def _receive(request: Request, service: Service, held: AsyncExitStack) -> bytes:
    sizes = JsonSizes(Most.of(service.settings.limits))
    data = bytearray()
    parts = aiter(request.stream())
    loop = asyncio.get_running_loop()
    began: float | None = None
    while (part := await _next(parts, None if began is None else began + GRACE_S + len(data) / SLOWEST)) is not None:
        data += part
        if len(data) - len(part) <= LARGE < len(data):
            held.callback(service.trimmer.plan)  # what is refused at once has taken memory, too
        sizes.feed(part)
        if began is None and len(data) > LARGE:
            await held.enter_async_context(service.admission.large_request())
            began = loop.time()
    return bytes(data)


async def _next(parts: AsyncIterator[bytes], deadline: float | None) -> bytes | None:
    try:
        async with asyncio.timeout_at(deadline):
            return await anext(parts, None)
    except TimeoutError:
        raise ApiError(SLOW_BODY, f"the body came with less than {SLOWEST} bytes a second: send fewer texts") from None


def _parse(data: bytes, kind: type[AnyBody]) -> AnyBody:
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        if data.startswith(GZIP):
            raise ApiError(COMPRESSED, "the body is compressed by gzip: send it as it is") from error
        raise ApiError(MALFORMED, f"the body is not JSON in UTF-8: {error}") from error
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        raise ApiError(INVALID, _describe(error)) from error


def _describe(error: ValidationError) -> str:
    """Name the member that is wrong, without a word of what stood there: it may be a diagnosis."""
    detail = error.errors(include_input=False, include_context=False, include_url=False)[0]
    place = ".".join(map(str, detail["loc"])) or "the body"
    if detail["type"] == "extra_forbidden":
        # The name is the client's, too.
        name = place if place.isidentifier() and place.isascii() and len(place) <= 40 else "a member of the body"
        return f"{name} is not known here, and may ask for another answer than it would get: leave it out"
    return f"{place}: {detail['msg'].removeprefix('Value error, ')}"
