"""The commands that the export stage adds to ``biolord``."""

from __future__ import annotations
