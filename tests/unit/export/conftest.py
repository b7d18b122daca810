"""The exporter's fixtures, for this folder."""

from __future__ import annotations

from unit.export.fixtures import biolord, checkpoint, exported, place

__all__ = ["biolord", "checkpoint", "exported", "place"]
