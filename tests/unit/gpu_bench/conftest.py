"""The fixtures of the runtime's tests."""

from __future__ import annotations

from unit.runtime.fixtures import tiny

__all__ = ["tiny"]
