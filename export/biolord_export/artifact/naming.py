"""Names of artifacts, made of what checkpoints are called."""

from __future__ import annotations

import re
import unicodedata

LONGEST_NAME = 100
"""Characters: the target's name comes behind, and 128 are allowed."""
NAMELESS = "checkpoint"


def plain_name(identity: str) -> str:
    """Make a name that a manifest takes of a hub id or a folder's name: ``Müller/mein Modell`` is ``mein-Modell``."""
    letters = unicodedata.normalize("NFKD", identity.rpartition("/")[2]).encode("ascii", "ignore").decode()
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", letters).strip("._-")
    return name[:LONGEST_NAME].rstrip("._-") or NAMELESS
