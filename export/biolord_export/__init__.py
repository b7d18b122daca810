"""Convert sentence-transformers encoders into biolord-onnx artefacts, without torch."""

from __future__ import annotations
