"""What a checkpoint's JSON files say beside the encoder's sizes, and how they are read."""

from __future__ import annotations
