"""What is asked and answered over HTTP, one file an interface."""

from __future__ import annotations
