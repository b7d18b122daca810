"""Links held against known codes: how often the right one is there, how far up, and what a threshold costs."""

from __future__ import annotations
