"""What an artifact's manifest says of pairs: how two texts become one row of tokens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from biolord_onnx.errors import InputError

if TYPE_CHECKING:
    from biolord_onnx.artifact.json_fields import Fields
    from biolord_onnx.artifact.manifest import Manifest

LARGEST_ID = 2**31 - 1
MOST_SPECIALS = 16
"""Tokens before, between and behind two texts: real tokenizers have two at most."""


@dataclass(frozen=True, slots=True)
class PairFrame:
    """What stands around two texts.

    Attributes:
        prefix: Special ids in front of the first text.
        middle: Special ids between the two.
        suffix: Special ids behind the second.
        token_types: Whether the graph wants to know which tokens are the second text's (type 1, its suffix included).
    """

    prefix: tuple[int, ...]
    middle: tuple[int, ...]
    suffix: tuple[int, ...]
    token_types: bool

    @property
    def special_count(self) -> int:
        """How many special tokens every pair gets."""
        return len(self.prefix) + len(self.middle) + len(self.suffix)

    @property
    def highest_id(self) -> int:
        """No special token has a higher one."""
        return max((*self.prefix, *self.middle, *self.suffix), default=0)

    @classmethod
    def from_fields(cls, fields: Fields) -> PairFrame:
        """Read the members of a manifest.

        Raises:
            ArtifactError: One is missing, of another type or out of range.
        """
        prefix, middle, suffix = (_special_ids(fields, key) for key in ("prefix", "middle", "suffix"))
        return PairFrame(prefix, middle, suffix, fields.boolean("token_types"))


def _special_ids(fields: Fields, key: str) -> tuple[int, ...]:
    ids = fields.integers(key, least=0, most=LARGEST_ID)
    if len(ids) > MOST_SPECIALS:
        raise fields.error(key, f"{len(ids)} ids", f"{MOST_SPECIALS} at most", quoted=False)
    return ids


def require_pairs(manifest: Manifest) -> PairFrame:
    """Return how an artifact frames pairs of texts.

    Raises:
        InputError: It takes none.
    """
    if manifest.pairs is None:
        raise InputError(
            f"{manifest.name} takes no pairs of texts, its graph doesn't tell their tokens apart: export the "
            "checkpoint with --pairs, or join the two texts"
        )
    return manifest.pairs
