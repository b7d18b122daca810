"""The processes that encode the parts of a run, and what is said between them."""

from __future__ import annotations
