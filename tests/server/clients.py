"""Clients that ask and don't read."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from server.fixtures import Running
from unit.runtime.command import PATIENCE, wait_for

QUERY = {"inputs": "fever"}


@contextmanager
def deaf_clients(server: Running, count: int, data: bytes, window: int = 4096) -> Iterator[list[socket.socket]]:
    """Connect, ask, and read nothing."""
    with ExitStack() as stack:
        clients = []
        for _ in range(count):
            client = stack.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE))
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
            client.sendall(data)
            clients.append(client)
        yield clients


def connections(server: Running) -> int:
    """How many there are."""
    return len(server.server.server_state.connections)


def wait_until_alone(server: Running) -> None:
    """Wait until nobody is connected."""
    wait_for(lambda: not connections(server))
