"""HTTP connections that don't wait for ever: uvicorn itself bounds the time between requests only."""

from __future__ import annotations

import asyncio
from typing import ClassVar

from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle


class ImpatientProtocol(H11Protocol):
    """Closes a connection whose request's head isn't here in time (a slow-loris attack, or a client that died).

    Attributes:
        header_s: seconds that a head may take.
    """

    header_s: ClassVar[float] = 10.0
    _waiting: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Give the first head its time."""
        super().connection_made(transport)
        self._expect_head()

    def data_received(self, data: bytes) -> None:
        """Take what came; a head that has begun must end in time."""
        super().data_received(data)
        if self._under_way:
            self._stop_waiting()
        elif self._waiting is None:
            self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._stop_waiting()
        super().connection_lost(exc)

    @property
    def _under_way(self) -> bool:
        cycle: RequestResponseCycle | None = self.cycle  # which there is none of before the first request
        return cycle is not None and not cycle.response_complete

    def _expect_head(self) -> None:
        self._waiting = self.loop.call_later(self.header_s, self._give_up)

    def _stop_waiting(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def _give_up(self) -> None:
        self._waiting = None
        self.transport.close()
