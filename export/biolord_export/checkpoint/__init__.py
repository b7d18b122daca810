"""A sentence-transformers checkpoint: where it is, what its settings say, its weights."""

from __future__ import annotations
