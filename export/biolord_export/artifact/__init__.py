"""What an artifact's folder gets: graph, tokenizer, table of pieces, notice, manifest."""

from __future__ import annotations
