"""Read named tensors of a weights file as float32."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import numpy as np

from biolord_export.checkpoint.stored.pickled import PickledTensors
from biolord_export.checkpoint.stored.safe_tensors import BFLOAT16, ManyFiles, SafeTensors, TensorSource
from biolord_export.checkpoint.stored.weights_file import is_pickled, weight_files
from biolord_export.checkpoint.weights import LayerNorm, Linear
from biolord_export.errors import CheckpointError

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

    from biolord_export.checkpoint.weights import Float32

READABLE_DTYPES = frozenset({"F32", "F16", "F64", BFLOAT16})
OLD_ENDINGS = {"weight": "gamma", "bias": "beta"}
"""What TensorFlow calls the two tensors of a normalization; checkpoints that were converted long ago kept the names."""


def open_tensors(path: Path) -> TensorSource:
    """Open a weights file, or those that an index lists.

    Raises:
        CheckpointError: A file isn't valid.
        MissingDependencyError: It is a pickle and torch isn't installed.
    """
    sources = [PickledTensors(file) if is_pickled(file) else SafeTensors(file) for file in weight_files(path)]
    return sources[0] if len(sources) == 1 else ManyFiles(sources)


class TensorFile:
    """The tensors of one weights file, read one at a time.

    Names are looked up below ``prefix``, which differs between checkpoints of one architecture: a bare encoder has
    none, one saved inside a bigger model has for example ``mpnet.``.

    Args:
        path: A safetensors file; or a ``.bin``, which torch loads; or the index of several.
        anchor: The name of a tensor that every checkpoint of the architecture has; finds the prefix.

    Raises:
        CheckpointError: The file isn't valid, or holds none or several named like the anchor.
        MissingDependencyError: It is a ``.bin`` and torch isn't installed.
    """

    def __init__(self, path: Path, anchor: str) -> None:
        """Open the file and find the prefix of its names."""
        self.path = path
        self._file = open_tensors(path)
        self._names = self._file.names()
        owners = [name.removesuffix(anchor) for name in self._names if f".{name}".endswith(f".{anchor}")]
        if not owners:
            raise CheckpointError(f"{path} has no tensor named {anchor}: it is not a checkpoint of this architecture")
        if len(owners) > 1:
            found = " and ".join(map(repr, sorted(owners)))
            raise CheckpointError(f"{path} holds several encoders, below {found}: save the one to convert alone")
        self.prefix = owners[0]

    def __enter__(self) -> Self:
        """Return the open file."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Forget the file."""
        del self._file

    def read(self, name: str, shape: tuple[int, ...]) -> Float32:
        """Read one tensor as float32.

        Raises:
            CheckpointError: It is missing, has another shape, a type that can't be read, or values that aren't finite.
        """
        full = self.prefix + name
        if full not in self._names:
            raise CheckpointError(f"{self.path} has no tensor {full}: the checkpoint is incomplete")
        kind, found = self._file.dtype(full), self._file.shape(full)
        if kind not in READABLE_DTYPES:
            raise CheckpointError(
                f"{full} in {self.path} is {kind}, expected one of {sorted(READABLE_DTYPES)}: "
                "save the checkpoint in float32"
            )
        if found != shape:
            raise CheckpointError(
                f"{full} in {self.path} has shape {list(found)}, config.json says {list(shape)}: "
                "the two files don't belong together"
            )
        with np.errstate(over="ignore"):  # a double that overflows is reported below
            values = np.ascontiguousarray(self._file.values(full), dtype=np.float32)
        if not np.isfinite(values).all():
            raise CheckpointError(f"{full} in {self.path} holds values that aren't finite: the checkpoint is damaged")
        return values

    def linear(self, name: str, inputs: int, outputs: int) -> Linear:
        """Read a torch ``nn.Linear``, whose weight is stored [outputs, inputs]."""
        weight = self.read(f"{name}.weight", (outputs, inputs))
        return Linear(np.ascontiguousarray(weight.T), self.read(f"{name}.bias", (outputs,)))

    def linears(self, names: tuple[str, ...], inputs: int, outputs: int) -> Linear:
        """Read several layers of one input as a single layer, their outputs side by side."""
        parts = [self.linear(name, inputs, outputs) for name in names]
        return Linear(
            np.concatenate([part.weight for part in parts], axis=1),
            np.concatenate([part.bias for part in parts]),
        )

    def layer_norm(self, name: str, dim: int, epsilon: float) -> LayerNorm:
        """Read a torch ``nn.LayerNorm``, under its names or TensorFlow's, which transformers takes for the same."""
        weight, bias = (self.read(self._named(name, ending), (dim,)) for ending in OLD_ENDINGS)
        return LayerNorm(weight, bias, epsilon)

    def _named(self, name: str, ending: str) -> str:
        old = f"{name}.{OLD_ENDINGS[ending]}"
        return old if self.prefix + old in self._names else f"{name}.{ending}"
