"""The part of a transformers ``config.json`` that decides the graph."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from biolord_export.checkpoint.settings.json_files import JsonObject, read_int, read_json_object
from biolord_export.checkpoint.settings.known_keys import Key, check_keys
from biolord_export.checkpoint.spellings import SPELLINGS, USUAL
from biolord_export.errors import CheckpointError

if TYPE_CHECKING:
    from pathlib import Path

    from biolord_export.checkpoint.spellings import Spelling

FAIRSEQ_TYPES = frozenset({"camembert", "mpnet", "roberta", "xlm-roberta"})
"""Architectures whose first position vectors belong to padding: they have fewer places than position vectors."""
MPNET_PAD_ID = 1
"""transformers' MPNet counts positions with this id whatever config.json's pad_token_id says."""
_NONE: tuple[object, ...] = (None, {})
ENCODER_KEYS = {
    "position_embedding_type": Key("how positions enter the attention", ("absolute",)),
    "relative_attention_num_buckets": Key("rows of MPNet's table of relative positions", (32,)),
    "is_decoder": Key("a decoder's attention looks one way only", (False,)),
    "is_encoder_decoder": Key("only encoders are converted", (False,)),
    "add_cross_attention": Key("attention to another encoder's output", (False,)),
    "pruned_heads": Key("attention heads that are taken out", _NONE),
    "quantization_config": Key("weights that are quantized already", _NONE),
    "auto_map": Key("it names code of its own, which is never run", _NONE),
    "processor_class": Key("it names another way to prepare texts", (None,)),
    "transformers_weights": Key("it names another file of weights", (None,)),
}
"""Those of config.json that change what is computed, beside the sizes; the file has many others that don't."""


@dataclass(frozen=True, slots=True)
class EncoderConfig:
    """Sizes of an encoder, as its config.json states them; ``path`` is that file.

    ``embedding_dim`` is the length of the embeddings, which ELECTRA's smaller checkpoints project to ``dim``.
    """

    path: Path
    model_type: str
    dim: int
    embedding_dim: int
    layers: int
    heads: int
    inner_dim: int
    vocabulary: int
    max_positions: int
    token_types: int
    pad_id: int
    epsilon: float

    @property
    def first_position(self) -> int:
        """The row of the position table that belongs to a text's first token."""
        return self.pad_id + 1 if self.model_type in FAIRSEQ_TYPES else 0

    @property
    def rotary(self) -> bool:
        """Whether positions turn queries and keys."""
        return SPELLINGS.get(self.model_type, USUAL).rotary

    @property
    def layer_range(self) -> range:
        """The numbers of the layers."""
        return range(self.layers)


def read_encoder_config(folder: Path) -> EncoderConfig:
    """Read ``config.json`` of a checkpoint folder.

    Raises:
        CheckpointError: The file is missing or broken, or describes something the authored graph doesn't compute.
    """
    path = folder / "config.json"
    values = read_json_object(path)
    model_type = str(values.get("model_type", ""))
    spelling = SPELLINGS.get(model_type, USUAL)
    check_keys(values, path, {**ENCODER_KEYS, **spelling.checked}, only=False)
    dim = _read_size(values, spelling.dim, path)
    config = EncoderConfig(
        path=path,
        model_type=model_type,
        dim=dim,
        embedding_dim=read_int(values, spelling.embedding, path, default=dim) if spelling.embedding else dim,
        layers=_read_size(values, spelling.layers, path),
        heads=_read_size(values, spelling.heads, path),
        inner_dim=_read_size(values, spelling.inner, path),
        vocabulary=read_int(values, "vocab_size", path),
        max_positions=read_int(values, "max_position_embeddings", path),
        token_types=read_int(values, "type_vocab_size", path, default=spelling.token_types),
        pad_id=_pad_id(values, model_type, path),
        epsilon=_read_epsilon(values, spelling, path),
    )
    if config.heads == 0 or config.dim % config.heads:
        raise CheckpointError(
            f"{path}: hidden_size {config.dim} doesn't divide into {config.heads} num_attention_heads"
        )
    return config


def _read_size(values: JsonObject, names: tuple[str, ...], path: Path) -> int:
    return read_int(values, next((name for name in names if name in values), names[-1]), path)


def _read_epsilon(values: JsonObject, spelling: Spelling, path: Path) -> float:
    if spelling.epsilon is None:
        return spelling.usual_epsilon
    epsilon = values.get(spelling.epsilon, spelling.usual_epsilon)
    if not isinstance(epsilon, int | float) or not 0 < epsilon < 1:
        raise CheckpointError(f"{path}: {spelling.epsilon} is {epsilon!r}, expected a number between 0 and 1")
    return float(epsilon)


def _pad_id(values: JsonObject, model_type: str, path: Path) -> int:
    if model_type == "mpnet":
        return MPNET_PAD_ID
    return read_int(values, "pad_token_id", path, default=SPELLINGS.get(model_type, USUAL).pad_id)
