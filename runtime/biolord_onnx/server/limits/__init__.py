"""Whose requests are taken, how large, how many at once and how long they may take."""

from __future__ import annotations
