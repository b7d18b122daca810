"""ModernBERT (Warner et al. 2024): rotary positions, GeGLU, and two layers in three that see only near tokens.

Sums are normalized only where a half of a layer reads them. Its ``attn_norm`` normalizes what enters a layer, and the
first layer has none: so each is the ``output_norm`` of the layer before, and the last layer's is ``final_norm``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from biolord_export.checkpoint.settings.json_files import read_int, read_json_object
from biolord_export.checkpoint.stored.tensors import TensorFile
from biolord_export.checkpoint.weights import EncoderWeights, Layer, LayerNorm, Linear, Modern, Reach
from biolord_export.errors import CheckpointError

if TYPE_CHECKING:
    from pathlib import Path

    from biolord_export.checkpoint.config import EncoderConfig
    from biolord_export.checkpoint.settings.json_files import JsonObject

GLOBAL_THETA, LOCAL_THETA = 160_000.0, 10_000.0
EVERY, WINDOW = 3, 128
"""transformers' defaults: every third layer sees the whole text, the others 64 tokens on either side."""


def read(config: EncoderConfig, path: Path) -> EncoderWeights:
    """Read a ModernBERT encoder; raises CheckpointError if the file doesn't fit config.json."""
    values = read_json_object(config.path)
    with TensorFile(path, "embeddings.tok_embeddings.weight") as tensors:
        checkpoint = _Checkpoint(tensors, config, values)
        return EncoderWeights(
            architecture=config.model_type,
            word_embeddings=tensors.read("embeddings.tok_embeddings.weight", (config.vocabulary, config.dim)),
            position_embeddings=np.empty((0, config.dim), dtype=np.float32),
            first_position=0,
            positions="index",
            embedding_norm=checkpoint.norm("embeddings.norm"),
            layers=tuple(checkpoint.layer(number) for number in config.layer_range),
            heads=config.heads,
            pad_id=config.pad_id,
            relative_bias=None,
            modern=Modern(config.max_positions, _reaches(values, config)),
        )


class _Checkpoint:
    """Tensors by their names; which of them have a bias, config.json says."""

    def __init__(self, tensors: TensorFile, config: EncoderConfig, values: JsonObject) -> None:
        self.tensors, self.config, self.values = tensors, config, values

    def layer(self, number: int) -> Layer:
        dim, inner = self.config.dim, self.config.inner_dim
        name, last = f"layers.{number}", number + 1 == self.config.layers
        return Layer(
            qkv=self.linear(f"{name}.attn.Wqkv", dim, 3 * dim, "attention_bias"),
            attention_output=self.linear(f"{name}.attn.Wo", dim, dim, "attention_bias"),
            attention_norm=self.norm(f"{name}.mlp_norm"),
            fc1=self.linear(f"{name}.mlp.Wi", dim, 2 * inner, "mlp_bias"),
            fc2=self.linear(f"{name}.mlp.Wo", inner, dim, "mlp_bias"),
            output_norm=self.norm("final_norm" if last else f"layers.{number + 1}.attn_norm"),
        )

    def linear(self, name: str, inputs: int, outputs: int, switch: str) -> Linear:
        if self.switched_on(switch):
            return self.tensors.linear(name, inputs, outputs)
        weight = self.tensors.read(f"{name}.weight", (outputs, inputs))
        return Linear(np.ascontiguousarray(weight.T), np.zeros(outputs, dtype=np.float32))

    def norm(self, name: str) -> LayerNorm:
        dim, epsilon = self.config.dim, self.config.epsilon
        if self.switched_on("norm_bias"):
            return self.tensors.layer_norm(name, dim, epsilon)
        return LayerNorm(self.tensors.read(f"{name}.weight", (dim,)), np.zeros(dim, dtype=np.float32), epsilon)

    def switched_on(self, key: str) -> bool:
        value = self.values.get(key, False)
        if not isinstance(value, bool):
            raise CheckpointError(f"{self.config.path}: {key} is {value!r}, expected true or false")
        return value


def _reaches(values: JsonObject, config: EncoderConfig) -> tuple[Reach, ...]:
    near = Reach(_theta(values, "sliding_attention", config.path), _window(values, config.path))
    far = Reach(_theta(values, "full_attention", config.path), None)
    return tuple(near if local else far for local in _locals(values, config))


def _locals(values: JsonObject, config: EncoderConfig) -> list[bool]:
    """Tell of each layer whether it sees only near tokens; transformers 5 lists that, 4 counts."""
    kinds = values.get("layer_types")
    if kinds is None:
        every = read_int(values, "global_attn_every_n_layers", config.path, default=EVERY)
        if every == 0:
            raise CheckpointError(f"{config.path}: global_attn_every_n_layers is 0, expected at least 1")
        return [number % every != 0 for number in config.layer_range]
    known = ("sliding_attention", "full_attention")
    if not isinstance(kinds, list) or len(kinds) != config.layers or any(kind not in known for kind in kinds):
        raise CheckpointError(
            f"{config.path}: layer_types is {kinds!r}, expected {' or '.join(known)} for each of {config.layers} layers"
        )
    return [kind == "sliding_attention" for kind in kinds]


def _window(values: JsonObject, path: Path) -> int:
    return read_int(values, "local_attention", path, default=WINDOW) // 2


def _theta(values: JsonObject, kind: str, path: Path) -> float:
    """Read the base of a kind of layers: transformers 5 keeps it in ``rope_parameters``."""
    key, default = {
        "full_attention": ("global_rope_theta", GLOBAL_THETA),
        "sliding_attention": ("local_rope_theta", LOCAL_THETA),
    }[kind]
    theta = values.get(key, default)
    if theta is None and kind == "sliding_attention":  # transformers takes the other layers' base then
        return _theta(values, "full_attention", path)
    nested = values.get("rope_parameters")
    if nested is not None:
        theta = _nested_theta(nested, kind, path)
    if isinstance(theta, bool) or not isinstance(theta, int | float) or not theta > 1:
        raise CheckpointError(f"{path}: {key} is {theta!r}, expected a number above 1")
    return float(theta)


def _nested_theta(nested: object, kind: str, path: Path) -> object:
    settings = nested.get(kind) if isinstance(nested, dict) else None
    if not isinstance(settings, dict) or settings.get("rope_type", "default") != "default":
        raise CheckpointError(
            f"{path}: rope_parameters is {nested!r}, expected rope_type default and rope_theta for {kind}: "
            "the exporter can't convert this checkpoint"
        )
    return settings.get("rope_theta")
