"""onnxruntime, its execution providers and the compiled operators: from token ids to vectors."""

from __future__ import annotations
