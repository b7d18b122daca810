"""Start the server: one process, or several that share the mapped weights."""

from __future__ import annotations

import os
import socket
from dataclasses import replace
from typing import Any

import uvicorn

from biolord_onnx.errors import InputError
from biolord_onnx.server.app import SETTINGS_VARIABLE, make_app
from biolord_onnx.server.protocol import ImpatientProtocol
from biolord_onnx.server.service import Service
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
        BiolordError: the address can't be listened on, or the artefact is damaged or can't run here.
    """
    check_address(settings.host, settings.port)
    options = server_options(settings)
    if workers == 1:
        uvicorn.run(make_app(settings), **options)
        return
    # Workers that can't load would be started anew without end: here it is one error.
    service = Service(settings)
    service.close()
    # A worker that is started anew, days later, serves the same artifact or none.
    os.environ[SETTINGS_VARIABLE] = replace(settings, fingerprint=service.fingerprint).to_json()
    uvicorn.run(FACTORY, factory=True, workers=workers, **options)


def check_address(host: str, port: int) -> None:
    """Try to listen: uvicorn would end the process by itself, with a status of its own.

    Raises:
        InputError: the port is taken or out of range, or the host isn't an address of this machine.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        for family, kind, protocol, _, address in found:
            with socket.socket(family, kind, protocol) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind((address[0], port, *address[2:]))  # getaddrinfo takes a port over 65535 modulo 65536
    except (OSError, OverflowError) as error:
        raise InputError(
            f"--host {host} --port {port} can't be listened on ({error}): stop what listens there, or choose another"
        ) from error


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
