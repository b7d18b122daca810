"""What links are written as: one file per form, and the table of all of them."""

from __future__ import annotations
