"""The server's fixtures."""

from __future__ import annotations

from server.fixtures import (
    embedder,
    prompted_server,
    serving,
    tiny,
    tiny_index,
    tiny_reranker,
    tiny_server,
    whole_server,
)
from unit.runtime.fixtures import biolord

__all__ = [
    "biolord",
    "embedder",
    "prompted_server",
    "serving",
    "tiny",
    "tiny_index",
    "tiny_reranker",
    "tiny_server",
    "whole_server",
]
