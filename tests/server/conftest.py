"""The server's fixtures."""

from __future__ import annotations

from server.fixtures import embedder, index_server, rerank_server, serving, tiny, tiny_index, tiny_reranker, tiny_server
from unit.runtime.fixtures import biolord

__all__ = [
    "biolord",
    "embedder",
    "index_server",
    "rerank_server",
    "serving",
    "tiny",
    "tiny_index",
    "tiny_reranker",
    "tiny_server",
]
