"""The sockets that a server listens at."""

from __future__ import annotations

import socket
from contextlib import ExitStack

from biolord_onnx.errors import InputError


def open_sockets(host: str, port: int) -> list[socket.socket]:
    """Bind a port of all addresses that a host has; 0 takes a free one, the same of each.

    Raises:
        InputError: The port is taken, or the host isn't an address of this machine.
    """
    with ExitStack() as opened:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
            sockets: list[socket.socket] = []
            for family, kind, protocol, _, address in dict.fromkeys(found):
                chosen = sockets[0].getsockname()[1] if sockets else port
                listening = opened.enter_context(socket.socket(family, kind, protocol))
                sockets.append(_bound(listening, (address[0], chosen, *address[2:])))
        except (OSError, UnicodeError) as error:
            raise InputError(
                f"--host {host} --port {port} can't be listened on ({error}): stop what listens there, "
                "or choose another"
            ) from error
        opened.pop_all()
        return sockets


def _bound(listening: socket.socket, address: tuple[object, ...]) -> socket.socket:
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if listening.family == socket.AF_INET6:
        listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)  # IPv4 has a socket of its own
    listening.bind(address)
    return listening


def shown(sockets: list[socket.socket], *, secure: bool) -> str:
    """Return the address of the first, as a browser takes it."""
    host, port, *_ = sockets[0].getsockname()
    return f"{'https' if secure else 'http'}://{f'[{host}]' if ':' in host else host}:{port}"
