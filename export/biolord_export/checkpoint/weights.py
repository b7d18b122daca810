"""An encoder's weights, whatever its architecture: what the graph is written from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Float32 = NDArray[np.float32]

PositionRule = Literal["index", "non_pad"]
"""How a token gets its position: by its index, or by counting the tokens that aren't padding (fairseq's rule)."""


@dataclass(frozen=True, slots=True)
class Linear:
    """``y = x @ weight + bias`` with weight float32 [inputs, outputs] and bias float32 [outputs]."""

    weight: Float32
    bias: Float32

    def outputs(self, chosen: slice) -> Linear:
        """Return the layer that yields some of the outputs."""
        return Linear(self.weight[:, chosen], self.bias[chosen])


@dataclass(frozen=True, slots=True)
class LayerNorm:
    """Layer normalization over the last axis; weight and bias are float32 [dim]."""

    weight: Float32
    bias: Float32
    epsilon: float


@dataclass(frozen=True, slots=True)
class Layer:
    """One transformer layer (Vaswani et al. 2017, with GELU); q, k and v stand side by side in ``qkv``.

    ``attention_norm`` normalizes the sum behind attention, ``output_norm`` the sum behind the feed-forward network. In
    a `Modern` encoder ``fc1`` has twice the outputs: the inner channels, then their gates.
    """

    qkv: Linear
    attention_output: Linear
    attention_norm: LayerNorm
    fc1: Linear
    fc2: Linear
    output_norm: LayerNorm


HeadActivation = Literal["tanh", "gelu", "relu"]


@dataclass(frozen=True, slots=True)
class Head:
    """What makes a score of a pair's first token: a layer, an activation, and a layer of one output."""

    dense: Linear
    output: Linear
    activation: HeadActivation


@dataclass(frozen=True, slots=True)
class Reach:
    """What a layer's queries see, and how positions turn them.

    Attributes:
        theta: The base of the rotary angles (Su et al. 2021).
        window: Keys at most so many tokens away on either side; None for all of the text.
    """

    theta: float
    window: int | None

    def turns(self, positions: int, width: int) -> tuple[Float32, Float32]:
        """Return the cosines and sines of a head's pairs of channels, float32 [positions, width / 2] each.

        Frequencies and their products with positions are rounded to float32, as transformers rounds them: far into a
        text that moves an angle by more than any later rounding does.
        """
        frequencies = (1 / self.theta ** (np.arange(0, width, 2) / width)).astype(np.float32)
        angles = np.outer(np.arange(positions, dtype=np.float32), frequencies).astype(np.float64)
        return np.cos(angles).astype(np.float32), np.sin(angles).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Modern:
    """What sets ModernBERT (Warner et al. 2024) apart.

    Sums pass on as they are, and only what enters a half of a layer is normalized; inner channels are multiplied with
    gates (GeGLU); positions turn queries and keys.

    Attributes:
        positions: Tokens of a text, at most.
        reaches: Of each layer.
    """

    positions: int
    reaches: tuple[Reach, ...]


@dataclass(frozen=True, slots=True)
class EncoderWeights:
    """A whole encoder.

    Attributes:
        architecture: The ``model_type`` of its config.json.
        word_embeddings: float32 [vocabulary, embedding dim].
        position_embeddings: float32 [first_position + positions, embedding dim]; row ``first_position + p`` belongs to
            the p-th token. Constant terms such as the token type embedding of a single text are added in. Empty where
            positions are rotary.
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
        projection: From the normalized embeddings to the first layer's input; None where that is the same.
        modern: What sets ModernBERT's layers apart; None for all others.
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
    projection: Linear | None = None
    modern: Modern | None = None

    @property
    def dim(self) -> int:
        """The length of a token vector."""
        return int((self.projection.weight if self.projection else self.word_embeddings).shape[1])

    @property
    def head_width(self) -> int:
        """Channels of an attention head."""
        return self.dim // self.heads

    @property
    def max_positions(self) -> int:
        """How many tokens fit into one text."""
        if self.modern:
            return self.modern.positions
        return int(self.position_embeddings.shape[0]) - self.first_position
