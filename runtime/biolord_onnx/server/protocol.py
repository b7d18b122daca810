"""HTTP connections that don't wait for ever, and never are too many: uvicorn bounds the time between requests alone."""

from __future__ import annotations

import asyncio
import logging
import socket
from typing import ClassVar, cast

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from biolord_onnx.server.limits.lingering import LingeringTransport
from biolord_onnx.server.settings import Limits

TAKEN = 65_536
"""Bytes of an answer, or all that is left of it, that a client must take in the time it has for that."""
HELD = 131_072
"""Bytes of an answer that the system holds for a client; Linux takes twice of it."""
HURRY_S = 1.0
"""When the server stops: how long a client may send and take nothing before it is given up."""
CLIENTS_FAULTS = logging.getLogger("biolord_onnx.server.clients")
CLIENTS_FAULTS.setLevel(logging.CRITICAL)  # what clients do wrong is answered; nothing of theirs reaches the log


class ImpatientProtocol(H11Protocol):
    """Gives up a client that doesn't send its head (slow loris), doesn't take its answer, or rests while others wait.

    Attributes:
        limits: Seconds and number of connections.
        resting_since: When the last answer ended, or the connection began.
    """

    limits: ClassVar[Limits]
    _waiting: asyncio.TimerHandle | None = None
    _taking: asyncio.TimerHandle | None = None
    _hurrying: asyncio.TimerHandle | None = None
    _unsent = 0
    resting_since = 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Give the first head its time, and make room."""
        self._lingering = LingeringTransport(transport, lambda: self.conn.their_state is h11.SEND_BODY, self.loop)
        super().connection_made(cast("asyncio.Transport", self._lingering))
        self.logger = CLIENTS_FAULTS
        # Left to itself, Linux holds up to 4 MB of an answer, and tells only after a third of it that some was taken.
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, HELD)
        # Then writing is paused exactly as long as something is left to be taken.
        transport.set_write_buffer_limits(0)
        self.resting_since = self.loop.time()
        self._expect_head()
        self._make_room()

    def data_received(self, data: bytes) -> None:
        """Take what came; a head that has begun must end in time."""
        if self._lingering.lingers:
            return
        super().data_received(data)
        if self.under_way:
            self._stop_waiting()
        elif self._waiting is None:
            self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        for timer in (self._waiting, self._taking, self._hurrying):
            if timer is not None:
                timer.cancel()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """Give the client its time to take the answer."""
        super().pause_writing()
        self._expect_taking()

    def resume_writing(self) -> None:
        """Note that all was taken."""
        super().resume_writing()
        if self._taking is not None:  # pragma: no branch - asyncio resumes what it has paused
            self._taking.cancel()

    def on_response_complete(self) -> None:
        """Rest."""
        self.resting_since = self.loop.time()
        super().on_response_complete()

    def send_400_response(self, msg: str) -> None:
        """Answer what isn't HTTP, unless an answer is on its way: then there is nothing left to say."""
        if self.under_way:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        if self.conn.our_state in {h11.IDLE, h11.SEND_RESPONSE}:
            super().send_400_response(msg)
        else:
            self.transport.abort()

    def shutdown(self) -> None:
        """Finish what is under way, but wait for no client that neither sends nor takes."""
        super().shutdown()
        self._unsent = self.transport.get_write_buffer_size()
        self._hurrying = self.loop.call_later(HURRY_S, self._hurry)

    @property
    def under_way(self) -> bool:
        """Whether a request is being answered."""
        cycle: RequestResponseCycle | None = self.cycle  # which there is none of before the first request
        return cycle is not None and not cycle.response_complete

    def _expect_head(self) -> None:
        self._waiting = self.loop.call_later(self.limits.header_s, self._give_up)

    def _stop_waiting(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def _give_up(self) -> None:
        self._waiting = None
        self.transport.close()

    def _expect_taking(self) -> None:
        self._unsent = self.transport.get_write_buffer_size()
        self._taking = self.loop.call_later(self.limits.write_s, self._check_taking)

    def _check_taking(self) -> None:
        if self._unsent - self.transport.get_write_buffer_size() < min(TAKEN, self._unsent):
            self.transport.abort()
        else:
            self._expect_taking()

    def _hurry(self) -> None:
        unsent = self.transport.get_write_buffer_size()
        idle = self.transport.is_closing() or not self.under_way
        if (unsent and unsent >= self._unsent) or (not unsent and idle) or (self.under_way and self.cycle.more_body):
            self.transport.abort()
            return
        self._unsent = unsent
        self._hurrying = self.loop.call_later(HURRY_S, self._hurry)

    def _make_room(self) -> None:
        """Give up who has rested longest where there are too many: a new client shall be heard."""
        if len(self.connections) <= self.limits.connections:
            return
        resting = [one for one in self.connections if isinstance(one, ImpatientProtocol) and not one.under_way]
        longest = min(resting, key=lambda one: one.resting_since)
        self.connections.discard(longest)
        longest.transport.abort()


def impatient(bounds: Limits) -> type[ImpatientProtocol]:
    """Return a class of connections with such limits, for uvicorn makes one of each."""

    class Bounded(ImpatientProtocol):
        limits = bounds

    return Bounded
