"""CSV and TSV: which dialect a file is of, and rows that are in doubt refused."""

from __future__ import annotations
