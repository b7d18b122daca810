"""Cross-encoders: from a checkpoint for sequence classification to an artifact that reranks, and how it is measured."""

from __future__ import annotations
