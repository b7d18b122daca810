"""What follows the encoder: pooling, and the modules behind it."""

from __future__ import annotations
