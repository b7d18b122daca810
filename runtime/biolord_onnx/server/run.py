"""Start the server: one process, or several that share the mapped weights."""

from __future__ import annotations

import asyncio
import logging
import math
import multiprocessing
import resource
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from biolord_onnx.server.addresses import open_sockets, shown
from biolord_onnx.server.app import make_app
from biolord_onnx.server.protocol import impatient
from biolord_onnx.server.services import Services
from biolord_onnx.server.settings import Limits, ServerSettings
from biolord_onnx.server.workers import supervise

BACKLOG = 2048
ACCEPTED_AT_ONCE = 16
"""Connections that asyncio accepts before it looks at one: each takes a descriptor, whatever the limit is."""
RESERVED_FILES = 48
"""Open files beside connections: the server's own, and those just accepted or just given up."""
FEWEST_CONNECTIONS = 4
KEEP_ALIVE_S = 75
"""A connection between requests may rest longer than clients' pools keep it, which spares them a race with its end."""
SWITCH_S = 0.0005
"""How long a thread may keep the interpreter from the event loop; Python's own 5 ms are as long as a query takes."""
UVICORN = logging.getLogger("uvicorn.error")


def run_server(settings: ServerSettings, workers: int) -> None:
    """Serve until a signal says to stop; then what was accepted is finished, within the limit of the settings.

    Args:
        settings: Of every process.
        workers: Processes; one that dies is started anew.

    Raises:
        BiolordError: The address can't be listened on, or the artifact is damaged or can't run here.
    """
    sockets = open_sockets(settings.host, settings.port)
    try:
        if workers == 1:
            serve(settings, sockets)
            return
        # Workers that can't load would be started anew without end: here it is one error.
        services = Services.open(settings)
        services.close()
        fixed = services.fixed(settings)
        uvicorn.Config("")  # which sets its logging up
        _announce(sockets, secure=settings.tls_certificate is not None)
        supervise(serve, fixed, sockets, workers)
    finally:
        for one in sockets:
            one.close()


def _announce(sockets: list[socket.socket], *, secure: bool) -> None:
    UVICORN.info("Uvicorn running on %s (Press CTRL+C to quit)", shown(sockets, secure=secure))


def serve(settings: ServerSettings, sockets: Sequence[socket.socket]) -> None:
    """Serve in this process until a signal says to stop.

    Raises:
        BiolordError: The artifact is damaged or can't run here.
    """
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(message)s", stream=sys.stderr)
    logging.getLogger("biolord_onnx.server").setLevel(logging.WARNING if settings.quiet else logging.INFO)
    sys.setswitchinterval(SWITCH_S)
    app = make_app(settings)
    server = make_server(app, settings, app.state.services.vectors.admission.stop)
    # uvicorn raises the signal again that ended it, for the earlier handler: a process that has none would
    # seem to have been killed, and one that raises at Ctrl-C would not have ended well. Without a terminal there is
    # nobody who would read the rest.
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, server.handle_exit)
    server.run([*sockets])


class Server(uvicorn.Server):
    """A server whose open files are bounded, and that says when it begins to stop."""

    def __init__(self, config: uvicorn.Config, stopping: Callable[[], None]) -> None:
        """Take what is called when the server begins to stop."""
        super().__init__(config)
        self._stopping = stopping
        self._last_fault = -math.inf

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen."""
        asyncio.get_running_loop().set_exception_handler(self._fault)
        await super().startup(sockets)
        listening = sockets or []
        for one in listening:
            one.listen(BACKLOG)  # asyncio takes one number for this and for how many it accepts at once
        if multiprocessing.parent_process() is None:
            _announce(listening, secure=self.config.is_ssl)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Finish what was accepted."""
        self._stopping()
        await super().shutdown(sockets)

    def _fault(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Log what asyncio couldn't do, once a second at most: without files to open that is thousands of times."""
        if loop.time() - self._last_fault >= 1:
            self._last_fault = loop.time()
            UVICORN.error("%s: %s", context.get("message"), type(context.get("exception")).__name__)


def make_server(
    app: ASGIApp, settings: ServerSettings, stopping: Callable[[], None], log_level: str | None = None
) -> Server:
    """Make the server of an application; it listens where it is told when it is run."""
    limits = settings.limits
    config = uvicorn.Config(
        app,
        http=impatient(replace(limits, connections=most_connections(limits))),
        ws="none",
        backlog=ACCEPTED_AT_ONCE,
        timeout_keep_alive=KEEP_ALIVE_S,
        access_log=False,  # ours says more, and never what was asked
        server_header=False,
        proxy_headers=False,  # nothing here asks who the client is
        timeout_graceful_shutdown=math.ceil(limits.shutdown_s),
        ssl_certfile=settings.tls_certificate,
        ssl_keyfile=settings.tls_key,
        log_level=log_level,
    )
    return Server(config, stopping)


def most_connections(limits: Limits) -> int:
    """Return how many connections this process may have, with the open files that the system allows it."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if files == resource.RLIM_INFINITY:
        return limits.connections
    return min(limits.connections, max(FEWEST_CONNECTIONS, files - RESERVED_FILES))
