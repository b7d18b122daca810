"""A vocabulary cut to what some texts need, and what that costs."""

from __future__ import annotations
