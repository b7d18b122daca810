"""What an artifact's manifest says of a cross-encoder: how two texts become one row of tokens, and their score."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from biolord_onnx.artifact.pairing import PairFrame
from biolord_onnx.errors import ArtifactError

if TYPE_CHECKING:
    from biolord_onnx.artifact.json_fields import Fields
    from biolord_onnx.artifact.manifest import Manifest

Activation = Literal["sigmoid", "identity"]
ACTIVATIONS: tuple[Activation, ...] = ("sigmoid", "identity")


@dataclass(frozen=True, slots=True)
class Reranking(PairFrame):
    """How an artifact scores a query and a text, which are a pair's first text and its second.

    Attributes:
        activation: What makes a score of the graph's output: ``sigmoid``, or ``identity`` for the output itself.
    """

    activation: Activation = field(kw_only=True)

    @classmethod
    def from_fields(cls, fields: Fields) -> Reranking:
        """Read the members of a manifest.

        Raises:
            ArtifactError: One is missing, of another type or out of range.
        """
        activation = next((known for known in ACTIVATIONS if known == fields.text("activation")), None)
        if activation is None:
            raise fields.error("activation", fields.text("activation"), f"one of {', '.join(ACTIVATIONS)}")
        frame = PairFrame.from_fields(fields)
        return cls(frame.prefix, frame.middle, frame.suffix, frame.token_types, activation=activation)


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
