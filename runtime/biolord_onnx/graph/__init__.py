"""What stands in ``model.onnx``, and what it may do: read and checked before onnxruntime sees it."""

from __future__ import annotations
