"""What every request passes before anything looks at it: form, origin, keys, number of requests, size of the body.

An ASGI middleware, for what is refused here should cost nothing.
"""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import orjson

from biolord_onnx.server.limits.admission import Admission
from biolord_onnx.server.limits.origin import Origins
from biolord_onnx.server.problems import MALFORMED, SLOW_BODY, TOO_MUCH, UNAUTHORIZED, WRONG_METHOD, ApiError, refusal
from biolord_onnx.server.settings import Limits, ServerSettings

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "QUERY"})
"""Those that there are; what this server has none of gets its answer where routes are known."""
HEALTH = "/health"
DOCUMENTATION = ("/docs", "/openapi.json")
"""Health checks and API docs are unauthenticated."""


class RequestFilter:
    """Lets requests through to an application, or answers them itself."""

    def __init__(self, app: App, settings: ServerSettings, admission: Admission) -> None:
        """Guard an application."""
        self._app = app
        self._keys = [key.encode() for key in settings.keys]
        self._limits = settings.limits
        self._origins = Origins(settings)
        self._admission = admission

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a connection's event, as ASGI has it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            _check_form(scope)
            self._origins.check(scope["headers"])
            self._check_length(scope)
            await self._admit(scope, _Body(receive, self._limits).receive, send)
        except ApiError as error:
            await answer(scope, send, error)

    async def _admit(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        if _stands_under(path, HEALTH):
            await self._admission.health_pace.wait()
            await self._app(scope, receive, send)
        elif _needs_no_key(scope):
            await self._admission.keyless_pace.wait()
            with self._admission.keyless_request():
                await self._app(scope, receive, send)
        else:
            self._check_key(scope)
            with self._admission.request():
                await self._app(scope, receive, send)

    def _check_length(self, scope: Scope) -> None:
        length = dict(scope["headers"]).get(b"content-length", b"0")
        if length.isdigit() and int(length) > self._limits.body_bytes:
            raise _too_large(int(length), self._limits)

    def _check_key(self, scope: Scope) -> None:
        if not self._keys:
            return
        kind, _, given = dict(scope["headers"]).get(b"authorization", b"").partition(b" ")
        # All keys are compared, each in constant time: how long a refusal takes tells nothing.
        known = [hmac.compare_digest(given, key) for key in self._keys]
        if kind.lower() != b"bearer" or not any(known):
            raise ApiError(UNAUTHORIZED, "the API key is missing or unknown: send it as Authorization: Bearer KEY")


def _check_form(scope: Scope) -> None:
    """Refuse what proxies and servers read differently, so that none can be made to pass a second request along."""
    if scope["method"] not in METHODS:
        raise ApiError(WRONG_METHOD, f"the method is none of {', '.join(sorted(METHODS))}")
    names = {name for name, _ in scope["headers"]}
    if b"transfer-encoding" in names and (b"content-length" in names or scope.get("http_version") == "1.0"):
        raise ApiError(
            MALFORMED, "the request has a Transfer-Encoding beside a Content-Length, or in HTTP/1.0: send one of them"
        )


def _stands_under(path: str, root: str) -> bool:
    return path == root or path.startswith(f"{root}/")


def _needs_no_key(scope: Scope) -> bool:
    is_page = scope["path"] == "/" and scope["method"] in {"GET", "HEAD"}
    return is_page or any(_stands_under(scope["path"], root) for root in DOCUMENTATION)


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
