"""Tensors of a ``pytorch_model.bin``: older BioLORD checkpoints have nothing else.

A pickle can run anything when it is loaded. torch's ``weights_only`` loader builds tensors and plain containers alone,
and refuses the rest; without torch such a file is never opened.
"""

from __future__ import annotations

import pickle  # noqa: S403  # for the name of an error, nothing is loaded with it
import zipfile
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from biolord_export.errors import CheckpointError
from biolord_onnx.errors import MissingDependencyError
from biolord_onnx.install import install_hint

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

PICKLED_WEIGHTS = "pytorch_model.bin"
TAKE_SAFETENSORS = "take a revision with model.safetensors (--revision refs/pr/1 for older BioLORD checkpoints)"
DTYPES = {"torch.float32": "F32", "torch.float16": "F16", "torch.float64": "F64", "torch.bfloat16": "BF16"}
"""torch's names of number formats, and those of safetensors."""


def can_unpickle() -> bool:
    """Tell whether torch, which loads pickles safely, is installed."""
    return find_spec("torch") is not None


class PickledTensors:
    """The tensors of a state dict that torch saved.

    Raises:
        MissingDependencyError: torch isn't installed.
        CheckpointError: The file holds anything but tensors, or can't be read.
    """

    def __init__(self, path: Path) -> None:
        """Load the file; a zip, as torch writes since 1.6, is mapped and not read."""
        if not can_unpickle():
            raise MissingDependencyError(
                f"{path} is a pickle, which only torch loads safely: {install_hint('export', 'optimum')}, "
                f"or {TAKE_SAFETENSORS}"
            )
        import torch

        try:
            state: object = torch.load(path, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(path))
        except (pickle.UnpicklingError, RuntimeError, OSError, EOFError, ValueError) as error:
            raise CheckpointError(
                f"{path} is not a file of plain tensors ({_first_line(error)}): {TAKE_SAFETENSORS}"
            ) from error
        if not isinstance(state, dict):
            raise CheckpointError(
                f"{path} holds a {type(state).__name__}, expected tensors by name: {TAKE_SAFETENSORS}"
            )
        self._tensors: dict[str, Any] = {
            name: value for name, value in state.items() if isinstance(value, torch.Tensor)
        }

    def names(self) -> frozenset[str]:
        """List the tensors."""
        return frozenset(self._tensors)

    def dtype(self, name: str) -> str:
        """Name a tensor's number format as safetensors does."""
        kind = str(self._tensors[name].dtype)
        return DTYPES.get(kind, kind)

    def shape(self, name: str) -> tuple[int, ...]:
        """Return a tensor's shape."""
        return tuple(self._tensors[name].shape)

    def values(self, name: str) -> NDArray[np.generic]:
        """Return a tensor's values; bfloat16, which numpy doesn't have, in float32."""
        tensor = self._tensors[name]
        values: NDArray[np.generic] = (tensor.float() if self.dtype(name) == "BF16" else tensor).numpy()
        return values


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0] or type(error).__name__
