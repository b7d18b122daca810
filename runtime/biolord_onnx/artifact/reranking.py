"""What an artifact's manifest says of a cross-encoder: how two texts become one row of tokens, and their score."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from biolord_onnx.errors import ArtifactError

if TYPE_CHECKING:
    from biolord_onnx.artifact.json_fields import Fields
    from biolord_onnx.artifact.manifest import Manifest

Activation = Literal["sigmoid", "identity"]
ACTIVATIONS: tuple[Activation, ...] = ("sigmoid", "identity")
LARGEST_ID = 2**31 - 1
MOST_SPECIALS = 16
"""Tokens before, between and behind two texts: real tokenizers have two at most."""


@dataclass(frozen=True, slots=True)
class Reranking:
    """How an artifact scores a query and a text.

    Attributes:
        activation: What makes a score of the graph's output: ``sigmoid``, or ``identity`` for the output itself.
        prefix: Special ids in front of the query.
        middle: Special ids between query and text.
        suffix: Special ids behind the text.
        token_types: Whether the graph wants to know which tokens are the text's (type 1, its suffix included).
    """

    activation: Activation
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
    def from_fields(cls, fields: Fields) -> Reranking:
        """Read the members of a manifest.

        Raises:
            ArtifactError: One is missing, of another type or out of range.
        """
        prefix, middle, suffix = (_special_ids(fields, key) for key in ("prefix", "middle", "suffix"))
        activation = next((known for known in ACTIVATIONS if known == fields.text("activation")), None)
        if activation is None:
            raise fields.error("activation", fields.text("activation"), f"one of {', '.join(ACTIVATIONS)}")
        return cls(activation, prefix, middle, suffix, fields.boolean("token_types"))


def _special_ids(fields: Fields, key: str) -> tuple[int, ...]:
    ids = fields.integers(key, least=0, most=LARGEST_ID)
    if len(ids) > MOST_SPECIALS:
        raise fields.error(key, f"{len(ids)} ids", f"{MOST_SPECIALS} at most", quoted=False)
    return ids


def check_embeds(manifest: Manifest) -> None:
    """Refuse a reranker where vectors are wanted.

    Raises:
        ArtifactError: It is one.
    """
    if manifest.reranking is not None:
        raise ArtifactError(
            f"{manifest.name} is a reranker, which scores pairs of texts and gives no vectors: name an artifact of an "
            "embedding checkpoint, or load this one with biolord_onnx.Reranker"
        )


def require_reranking(manifest: Manifest) -> Reranking:
    """Return how an artifact scores pairs.

    Raises:
        ArtifactError: It doesn't, it embeds texts.
    """
    if manifest.reranking is None:
        raise ArtifactError(
            f"{manifest.name} embeds texts and scores no pairs: name the artifact of a cross-encoder, such as biolord "
            "export makes of a checkpoint for sequence classification, or load this one with biolord_onnx.Embedder"
        )
    return manifest.reranking
