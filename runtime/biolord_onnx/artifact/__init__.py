"""An artifact's folder: its files, its manifest, and what is checked before anything runs."""

from __future__ import annotations
