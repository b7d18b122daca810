"""Convert sentence-transformers encoders into biolord-onnx artifacts, without torch."""

from __future__ import annotations
