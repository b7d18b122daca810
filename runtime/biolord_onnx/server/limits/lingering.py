"""Connections that are closed while the client still sends: it has to hear why (RFC 9112, 9.6)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

LINGER_S = 2.0
"""How long what is left of a request is thrown away before the connection is closed."""


class LingeringTransport:
    """A transport that, instead of closing at once, ends what is written and lets the client finish.

    Closed with bytes unread, the system would answer them with a reset, and the client lose the answer that it has.
    """

    def __init__(
        self, transport: asyncio.Transport, sending: Callable[[], bool], loop: asyncio.AbstractEventLoop
    ) -> None:
        """Stand for ``transport``, of which ``sending`` says whether its client has more of a request to send."""
        self._transport, self._sending, self._loop = transport, sending, loop
        self.lingers = False

    def __getattr__(self, name: str) -> object:
        """Do all else as the transport does."""
        return getattr(self._transport, name)

    def is_closing(self) -> bool:
        """Whether nothing more can be written."""
        return self.lingers or self._transport.is_closing()

    def close(self) -> None:
        """Close, now or a little later."""
        if self.lingers or not self._sending() or self._transport.is_closing():
            self._transport.close()
            return
        self.lingers = True
        self._transport.write_eof()
        self._transport.resume_reading()
        self._loop.call_later(LINGER_S, self._transport.close)
