"""What a worker process of the server may be given to do, by a name that it can import."""

from __future__ import annotations

import socket
from collections.abc import Sequence

from biolord_onnx.errors import ArtifactError
from biolord_onnx.server.settings import ServerSettings


def serve_nothing(settings: ServerSettings, sockets: Sequence[socket.socket]) -> None:
    """Fail as a worker does whose artifact is gone."""
    raise ArtifactError(f"{settings.artifact} is gone, {len(sockets)} sockets wait")
