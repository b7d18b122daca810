"""Number formats: each scheme is one module that turns weights into operators of the authored graph."""

from __future__ import annotations
