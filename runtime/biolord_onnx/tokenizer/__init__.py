"""From texts to token ids, with the artifact's own tokenizer."""

from __future__ import annotations
