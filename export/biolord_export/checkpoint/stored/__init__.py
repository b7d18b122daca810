"""Weights as files hold them: safetensors, pickles, and both in several files."""

from __future__ import annotations
