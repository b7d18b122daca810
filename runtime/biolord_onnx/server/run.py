"""Start the server: one process, or several that share the mapped weights."""

from __future__ import annotations

import os
from typing import Any

import uvicorn

from biolord_onnx.server.app import SETTINGS_VARIABLE, make_app
from biolord_onnx.server.protocol import ImpatientProtocol
from biolord_onnx.server.settings import ServerSettings

FACTORY = "biolord_onnx.server.app:app_from_environment"
BACKLOG = 2048
KEEP_ALIVE_S = 75
"""A connection between requests may rest longer than clients' pools keep it, which spares them a race with its end."""


def run_server(settings: ServerSettings, workers: int) -> None:
    """Serve until a signal says to stop; then what was accepted is finished, within the limit of the settings.

    Args:
        settings: of every process.
        workers: processes; uvicorn starts one anew that dies.

    Raises:
        BiolordError: the artefact is damaged or can't run here.
    """
    options = server_options(settings)
    if workers == 1:
        uvicorn.run(make_app(settings), **options)
        return
    os.environ[SETTINGS_VARIABLE] = settings.to_json()
    uvicorn.run(FACTORY, factory=True, workers=workers, **options)


def server_options(settings: ServerSettings) -> dict[str, Any]:
    """Return uvicorn's options."""
    ImpatientProtocol.header_s = settings.limits.header_s
    return {
        "host": settings.host,
        "port": settings.port,
        "http": ImpatientProtocol,
        "ws": "none",
        "backlog": BACKLOG,
        "timeout_keep_alive": KEEP_ALIVE_S,
        "access_log": False,  # ours says more, and never what was asked
        "server_header": False,
        "timeout_graceful_shutdown": int(settings.limits.shutdown_s),
        "ssl_certfile": settings.tls_certificate,
        "ssl_keyfile": settings.tls_key,
    }
