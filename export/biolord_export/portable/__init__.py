"""Graphs traced by optimum, of standard ONNX operators only, for any runtime that reads ONNX."""

from __future__ import annotations
