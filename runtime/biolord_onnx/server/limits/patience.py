"""Work for a client that stops when the client disconnects."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from starlette.requests import Request

from biolord_onnx.server.problems import UNAVAILABLE, ApiError

T = TypeVar("T")
RETRY_AFTER_S = 2


class ClientGoneError(Exception):
    """The client disconnected: there is no one to answer."""


async def while_wanted(work: Coroutine[Any, Any, T], request: Request, timeout_s: float) -> T:
    """Return what the work returns; it is canceled when the client hangs up or the time is over.

    Args:
        work: To do.
        request: Of whom; its body is here already.
        timeout_s: Seconds that it may take.

    Raises:
        ClientGoneError: The client hung up.
        ApiError: The time is over.
    """
    task = asyncio.ensure_future(work)
    gone = asyncio.ensure_future(request.receive())
    try:
        await asyncio.wait((task, gone), timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task.result()
        if gone.done():
            raise ClientGoneError
        raise ApiError(UNAVAILABLE, f"no answer after {timeout_s:g} s: send fewer texts, or try again", RETRY_AFTER_S)
    finally:
        gone.cancel()
        task.cancel()
        await asyncio.wait((task,))  # it has left the queue when the client's end is told
