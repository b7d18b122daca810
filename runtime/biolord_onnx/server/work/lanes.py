"""Threads that tokenize for everybody, in shares, whose order is that of their line."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, TypeVar

from biolord_onnx.server.work.line import Line

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Share:
    do: Callable[[], Any]
    future: Future[Any]


class Lane:
    """A thread and what waits for it."""

    def __init__(self, name: str) -> None:
        """Start the thread."""
        self._line: Line[_Share] = Line()
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Whether the thread still works."""
        return self._thread.is_alive()

    async def run(self, cost: int, do: Callable[[], T]) -> T:
        """Run a share of a request and return what it returns; a share whose client is gone does not begin.

        Args:
            cost: Of this share, in characters.
            do: Called by the lane's thread.
        """
        future: Future[T] = Future()
        self._line.add(cost, _Share(do, future))
        return await asyncio.wrap_future(future)

    def close(self) -> None:
        """End the thread when the share under way is done."""
        self._line.close()
        self._thread.join()

    def _work(self) -> None:
        while self._step():
            pass

    def _step(self) -> bool:
        # A function of its own, which keeps nothing of a share while it waits for the next.
        share = self._line.take()
        if share is None:
            return False
        if share.future.set_running_or_notify_cancel():
            _settle(share)
        return True


def _settle(share: _Share) -> None:
    try:
        result = share.do()
    except BaseException as error:  # noqa: BLE001 - it is raised where it is awaited
        share.future.set_exception(error)
    else:
        share.future.set_result(result)
