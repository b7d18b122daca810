"""The demo, and the reference weights that it and the tests run on."""

from __future__ import annotations
