"""The server's fixtures."""

from __future__ import annotations

from server.fixtures import embedder, serving, tiny, tiny_server
from unit.runtime.fixtures import biolord, compiled

__all__ = ["biolord", "compiled", "embedder", "serving", "tiny", "tiny_server"]
