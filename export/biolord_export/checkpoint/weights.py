"""An encoder's weights, whatever its architecture: what the graph is written from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Float32 = NDArray[np.float32]

PositionRule = Literal["index", "non_pad"]
"""How a token gets its position: by its index, or by counting the tokens that aren't padding (fairseq's rule)."""


@dataclass(frozen=True)
class Linear:
    """``y = x @ weight + bias`` with weight float32 [inputs, outputs] and bias float32 [outputs]."""

    weight: Float32
    bias: Float32

    def outputs(self, chosen: slice) -> Linear:
        """Return the layer that yields some of the outputs."""
        return Linear(self.weight[:, chosen], self.bias[chosen])


@dataclass(frozen=True)
class LayerNorm:
    """Layer normalization over the last axis; weight and bias are float32 [dim]."""

    weight: Float32
    bias: Float32
    epsilon: float


@dataclass(frozen=True)
class Layer:
    """One post-norm transformer layer (Vaswani et al. 2017, with GELU); q, k and v stand side by side in ``qkv``."""

    qkv: Linear
    attention_output: Linear
    attention_norm: LayerNorm
    fc1: Linear
    fc2: Linear
    output_norm: LayerNorm


HeadActivation = Literal["tanh", "gelu", "relu"]


@dataclass(frozen=True)
class Head:
    """What makes a score of a pair's first token: a layer, an activation, and a layer of one output."""

    dense: Linear
    output: Linear
    activation: HeadActivation


@dataclass(frozen=True)
class EncoderWeights:
    """A whole encoder.

    Attributes:
        architecture: The ``model_type`` of its config.json.
        word_embeddings: float32 [vocabulary, dim].
        position_embeddings: float32 [first_position + positions, dim]; row ``first_position + p`` belongs to the p-th
            token. Constant terms such as the token type embedding of a single text are added in.
        first_position: The row of the first token.
        positions: How a token's position is counted.
        embedding_norm: Normalizes the sum of the embeddings.
        layers: The transformer layers, first to last.
        heads: Attention heads in each layer.
        pad_id: The id that fills a batch up.
        relative_bias: float32 [heads, 2 * positions - 1] added to the attention scores: column
            ``positions - 1 + (key index - query index)``; None if the architecture has none.
        token_types: float32 [types, dim], added to a token of each type beside what all tokens get; None for encoders
            of single texts, and for those that don't tell the texts of a pair apart.
        head: A cross-encoder's classifier; None for encoders that embed texts.
    """

    architecture: str
    word_embeddings: Float32
    position_embeddings: Float32
    first_position: int
    positions: PositionRule
    embedding_norm: LayerNorm
    layers: tuple[Layer, ...]
    heads: int
    pad_id: int
    relative_bias: Float32 | None
    token_types: Float32 | None = None
    head: Head | None = None

    @property
    def dim(self) -> int:
        """The length of a token vector."""
        return int(self.word_embeddings.shape[1])

    @property
    def max_positions(self) -> int:
        """How many tokens fit into one text."""
        return int(self.position_embeddings.shape[0]) - self.first_position
