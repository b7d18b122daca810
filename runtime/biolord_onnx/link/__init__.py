"""Terms to codes: a file of terms is linked to an index, written in the form that others read, and measured."""

from __future__ import annotations
