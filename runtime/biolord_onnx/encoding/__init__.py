"""From texts to vectors in their order: which run together, on which threads, in which number format."""

from __future__ import annotations
