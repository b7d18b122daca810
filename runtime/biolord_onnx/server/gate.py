"""What every request passes before anything looks at it: keys, number of requests, size and speed of the body.

An ASGI middleware, for what is refused here should cost nothing.
"""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

import orjson

from biolord_onnx.server.problems import OVERLOADED, SLOW_BODY, TOO_MUCH, UNAUTHORIZED, ApiError, refusal
from biolord_onnx.server.settings import Limits

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

OPEN_PATHS = ("/health", "/docs", "/openapi.json")
"""Those who watch the server need no key, nor do those who read what it can do."""
RETRY_AFTER_S = 1


class Gate:
    """Lets requests through to an application, or answers them itself."""

    def __init__(self, app: App, keys: Iterable[str], limits: Limits) -> None:
        """Guard an application."""
        self._app = app
        self._keys = [key.encode() for key in keys]
        self._limits = limits
        self.under_way = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a connection's event, as ASGI has it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            self._check(scope)
        except ApiError as error:
            await answer(scope, send, error)
            return
        self.under_way += 1
        try:
            await self._app(scope, _Body(receive, self._limits).receive, send)
        finally:
            self.under_way -= 1

    def _check(self, scope: Scope) -> None:
        headers = dict(scope["headers"])
        path = scope["path"]
        watched = path.startswith(OPEN_PATHS)
        is_page = path == "/" and scope["method"] in {"GET", "HEAD"}
        if self._keys and not watched and not is_page:
            self._check_key(headers.get(b"authorization", b""))
        length = headers.get(b"content-length", b"0")
        if length.isdigit() and int(length) > self._limits.body_bytes:
            raise _too_large(int(length), self._limits)
        if self.under_way >= self._limits.requests and not watched:
            raise ApiError(
                OVERLOADED, f"{self.under_way} requests are under way, no more fit: try again later", RETRY_AFTER_S
            )

    def _check_key(self, header: bytes) -> None:
        kind, _, given = header.partition(b" ")
        # All keys are compared, each in constant time: how long a refusal takes tells nothing.
        known = [hmac.compare_digest(given, key) for key in self._keys]
        if kind.lower() != b"bearer" or not any(known):
            raise ApiError(UNAUTHORIZED, "the API key is missing or unknown: send it as Authorization: Bearer KEY")


class _Body:
    """A request's body on its way in: counted, and given up when it takes too long."""

    def __init__(self, receive: Receive, limits: Limits) -> None:
        self._receive, self._limits = receive, limits
        self._seen = 0
        self._whole = False
        self._deadline = asyncio.get_running_loop().time() + limits.timeout_s

    async def receive(self) -> Message:
        if self._whole:
            return await self._receive()  # it waits for the client to hang up
        try:
            async with asyncio.timeout_at(self._deadline):
                message = await self._receive()
        except TimeoutError:
            raise ApiError(
                SLOW_BODY, f"the body was not here after {self._limits.timeout_s:g} s: {self._seen} bytes came"
            ) from None
        self._seen += len(message.get("body", b""))
        self._whole = not message.get("more_body", False)
        if self._seen > self._limits.body_bytes:
            raise _too_large(self._seen, self._limits)
        return message


def _too_large(size: int, limits: Limits) -> ApiError:
    return ApiError(TOO_MUCH, f"the body has {size} bytes or more, the limit is {limits.body_bytes}: send fewer texts")


async def answer(scope: Scope, send: Send, error: ApiError) -> None:
    """Send an error."""
    found = refusal(scope["path"], error)
    body = orjson.dumps(found.body)
    # What is left of a body that is refused is not read: the connection can't be used again.
    headers = {"content-type": "application/json", "content-length": str(len(body)), "connection": "close"}
    pairs = [(name.encode(), value.encode()) for name, value in (headers | found.headers).items()]
    await send({"type": "http.response.start", "status": found.status, "headers": pairs})
    await send({"type": "http.response.body", "body": body})
