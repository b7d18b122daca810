"""What makes a score of a pair's first token, one row an architecture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from biolord_export.checkpoint.stored.tensors import TensorFile
from biolord_export.checkpoint.weights import EncoderWeights, Head, HeadActivation

if TYPE_CHECKING:
    from pathlib import Path

    from biolord_export.checkpoint.config import EncoderConfig

TYPES = "embeddings.token_type_embeddings.weight"


@dataclass(frozen=True, slots=True)
class HeadNames:
    """The two linear layers of a classifier, and what stands between them."""

    dense: str
    output: str
    activation: HeadActivation


_ROBERTA = HeadNames("classifier.dense", "classifier.out_proj", "tanh")
HEADS: Mapping[str, HeadNames] = {
    "bert": HeadNames("pooler.dense", "classifier", "tanh"),
    "distilbert": HeadNames("pre_classifier", "classifier", "relu"),
    "electra": HeadNames("classifier.dense", "classifier.out_proj", "gelu"),
    "mpnet": _ROBERTA,
    "roberta": _ROBERTA,
    "xlm-roberta": _ROBERTA,
}


def read_head(config: EncoderConfig, path: Path) -> Head:
    """Read a classifier of one score.

    Raises:
        CheckpointError: The file holds none, or not of the sizes that config.json promises.
    """
    names = HEADS[config.model_type]
    with TensorFile(path, f"{names.dense}.weight") as tensors:
        dense = tensors.linear(names.dense, config.dim, config.dim)
    with TensorFile(path, f"{names.output}.weight") as tensors:
        return Head(dense, tensors.linear(names.output, config.dim, 1), names.activation)


def with_head(weights: EncoderWeights, config: EncoderConfig, path: Path, *, token_types: bool) -> EncoderWeights:
    """Add to an encoder what a cross-encoder has beside it.

    Args:
        weights: The encoder's, the vector of type 0 already among the positions'.
        config: Its sizes.
        path: The weights file.
        token_types: Whether tokens of a pair differ in their types.

    Raises:
        CheckpointError: As `read_head`.
    """
    typed = with_types(weights, config, path) if token_types else weights
    return replace(typed, head=read_head(config, path))


def with_types(weights: EncoderWeights, config: EncoderConfig, path: Path) -> EncoderWeights:
    """Add to an encoder what tells the tokens of a pair's texts apart; arguments as of `with_head`."""
    with TensorFile(path, TYPES) as tensors:
        table = tensors.read(TYPES, (config.token_types, weights.word_embeddings.shape[1]))
    return replace(weights, token_types=table - table[0])
