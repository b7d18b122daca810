"""A checkpoint's tokenizer, from whichever files hold it, as one ``tokenizer.json``."""

from __future__ import annotations
