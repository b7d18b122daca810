"""How faithful an artifact is to its reference: measured, compared with gates."""

from __future__ import annotations
