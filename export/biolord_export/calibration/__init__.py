"""What is measured on texts before quantizing and packing: inputs of layers, ranges of vectors."""

from __future__ import annotations
