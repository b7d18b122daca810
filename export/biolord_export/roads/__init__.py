"""What leads from a checkpoint to a graph: authored, of compiled operators, or traced."""

from __future__ import annotations
