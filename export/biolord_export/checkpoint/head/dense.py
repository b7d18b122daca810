"""The Dense module of a sentence-transformers checkpoint: a linear layer behind the pooling."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from biolord_export.checkpoint.settings.json_files import read_int, read_json_object
from biolord_export.checkpoint.settings.known_keys import Key, check_keys, shown
from biolord_export.checkpoint.stored.tensors import TensorFile
from biolord_export.checkpoint.stored.weights_file import find_weights
from biolord_export.checkpoint.weights import Linear
from biolord_export.errors import CheckpointError

if TYPE_CHECKING:
    from pathlib import Path

    from biolord_export.checkpoint.settings.json_files import JsonObject

ACTIVATIONS = (
    "Identity",
    "Tanh",
    "ReLU",
    "GELU",
    "Sigmoid",
    "SiLU",
    "Mish",
    "LeakyReLU",
    "ELU",
    "SELU",
    "CELU",
    "ReLU6",
    "Softplus",
    "Softsign",
    "LogSigmoid",
    "Hardtanh",
    "Hardsigmoid",
    "Hardswish",
    "Tanhshrink",
)
"""torch's classes that need no arguments: sentence-transformers saves the class alone. Their order is the compiled
operators' numbering."""
DEFAULT_ACTIVATION = "torch.nn.modules.activation.Tanh"
DENSE_KEYS = {
    "in_features": Key("read below"),
    "out_features": Key("read below"),
    "bias": Key("whether there is one", (True, False)),
    "activation_function": Key("read below"),
    "module_input_name": Key("a layer for every token needs another graph", ("sentence_embedding",)),
    "module_output_name": Key("another name leaves the vector as it was", ("sentence_embedding", None)),
}


@dataclass(frozen=True, slots=True, eq=False)
class Dense:
    """``activation(x @ weight + bias)``.

    Attributes:
        linear: The layer; zeros where the module has no bias.
        activation: One of `ACTIVATIONS`.
        weights: The file that the layer was read from.
    """

    linear: Linear
    activation: str
    weights: Path

    @property
    def inputs(self) -> int:
        """Numbers of a vector that it takes."""
        return int(self.linear.weight.shape[0])

    @property
    def outputs(self) -> int:
        """Numbers of a vector that it yields."""
        return int(self.linear.weight.shape[1])


def read_dense(folder: Path) -> Dense:
    """Read a Dense module.

    Args:
        folder: The module's, with config.json and model.safetensors or pytorch_model.bin.

    Raises:
        CheckpointError: A file is missing or broken, or the module computes what the exporter doesn't write.
        MissingDependencyError: The weights are pickled and torch isn't installed.
    """
    path = folder / "config.json"
    values = read_json_object(path)
    check_keys(values, path, DENSE_KEYS, only=True)
    inputs, outputs = (read_int(values, key, path) for key in ("in_features", "out_features"))
    if not inputs or not outputs:
        raise CheckpointError(f"{path}: the layer has {inputs} inputs and {outputs} outputs, expected 1 or more")
    weights = find_weights(folder)
    with TensorFile(weights, "linear.weight") as tensors:
        weight = np.ascontiguousarray(tensors.read("linear.weight", (outputs, inputs)).T)
        biased = values.get("bias", True) is True
        bias = tensors.read("linear.bias", (outputs,)) if biased else np.zeros(outputs, np.float32)
    return Dense(Linear(weight, bias), _activation(values, path), weights)


def _activation(values: JsonObject, path: Path) -> str:
    stated = values.get("activation_function", DEFAULT_ACTIVATION)
    name = stated.rpartition(".")[2] if isinstance(stated, str) and stated.startswith("torch.nn.") else None
    if name not in ACTIVATIONS:
        raise CheckpointError(
            f"{path}: activation_function is {shown(stated)}, the exporter writes only torch.nn's "
            f"{', '.join(ACTIVATIONS)}: it can't convert this checkpoint"
        )
    return name
