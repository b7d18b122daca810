"""What each architecture's ``config.json`` calls its sizes, and what holds where it says nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from biolord_export.checkpoint.settings.known_keys import Key

if TYPE_CHECKING:
    from collections.abc import Mapping

_ONLY_GELU = ("gelu",)


def _activation(name: str) -> Mapping[str, Key]:
    return {name: Key("the activation of the feed-forward layers", _ONLY_GELU)}


@dataclass(frozen=True, slots=True)
class Spelling:
    """The keys of an architecture's sizes.

    Where a size has several names, the first that is there counts, as transformers lets its common names overrule an
    architecture's own.

    Attributes:
        dim: Length of a token vector.
        layers: How many layers.
        heads: Attention heads of each.
        inner: Inner channels of the feed-forward network.
        epsilon: What normalizations add to the variance; None where it can't be chosen.
        usual_epsilon: What that is where config.json doesn't say it.
        embedding: Length of the embeddings, where it may differ from ``dim``.
        token_types: How many there are where config.json doesn't say it.
        pad_id: The padding's id where config.json doesn't say it.
        rotary: Whether positions turn queries and keys, and no table of positions is added.
        checked: Further keys that change what is computed, with the values that are carried out.
    """

    dim: tuple[str, ...] = ("hidden_size",)
    layers: tuple[str, ...] = ("num_hidden_layers",)
    heads: tuple[str, ...] = ("num_attention_heads",)
    inner: tuple[str, ...] = ("intermediate_size",)
    epsilon: str | None = "layer_norm_eps"
    usual_epsilon: float = 1e-12
    embedding: str | None = None
    token_types: int = 2
    pad_id: int = 0
    rotary: bool = False
    checked: Mapping[str, Key] = field(default_factory=lambda: _activation("hidden_act"))


_FAIRSEQ = Spelling(pad_id=1)
USUAL = Spelling()
SPELLINGS: Mapping[str, Spelling] = {
    "bert": USUAL,
    "mpnet": Spelling(token_types=0, pad_id=1),
    "roberta": _FAIRSEQ,
    "xlm-roberta": _FAIRSEQ,
    "camembert": _FAIRSEQ,
    "distilbert": Spelling(
        dim=("hidden_size", "dim"),
        layers=("num_hidden_layers", "n_layers"),
        heads=("num_attention_heads", "n_heads"),
        inner=("hidden_dim",),
        epsilon=None,
        token_types=0,
        checked=_activation("activation"),
    ),
    "electra": Spelling(embedding="embedding_size"),
    "modernbert": Spelling(
        epsilon="norm_eps",
        usual_epsilon=1e-5,
        token_types=0,
        pad_id=50283,
        rotary=True,
        checked={
            **_activation("hidden_activation"),
            "rope_scaling": Key("positions are stretched", (None,)),
            "rope_theta": Key("it overrules global_rope_theta, which is read", (None,)),
        },
    ),
}
