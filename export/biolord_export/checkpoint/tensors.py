"""Read named tensors of a weights file as float32."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, Self

import numpy as np
from safetensors import SafetensorError, safe_open

from biolord_export.checkpoint.pickled import PickledTensors
from biolord_export.checkpoint.weights import LayerNorm, Linear
from biolord_export.errors import CheckpointError

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

    from numpy.typing import NDArray

    from biolord_export.checkpoint.weights import Float32

READABLE_DTYPES = frozenset({"F32", "F16", "F64"})


class TensorSource(Protocol):
    """A file of named tensors; number formats are named as safetensors names them."""

    def names(self) -> frozenset[str]:
        """List the tensors."""
        ...

    def dtype(self, name: str) -> str:
        """Name a tensor's number format."""
        ...

    def shape(self, name: str) -> tuple[int, ...]:
        """Return a tensor's shape."""
        ...

    def values(self, name: str) -> NDArray[np.generic]:
        """Return a tensor's values."""
        ...


class _SafeTensors:
    """The tensors of a safetensors file."""

    def __init__(self, path: Path) -> None:
        try:
            self._file = safe_open(path, framework="numpy")
        except (SafetensorError, OSError) as error:
            raise CheckpointError(f"{path} is not a readable safetensors file ({error}): download it again") from error

    def names(self) -> frozenset[str]:
        return frozenset(self._file.keys())

    def dtype(self, name: str) -> str:
        return str(self._file.get_slice(name).get_dtype())

    def shape(self, name: str) -> tuple[int, ...]:
        return tuple(self._file.get_slice(name).get_shape())

    def values(self, name: str) -> NDArray[np.generic]:
        return np.asarray(self._file.get_tensor(name))


class TensorFile:
    """The tensors of one weights file, read one at a time.

    Names are looked up below ``prefix``, which differs between checkpoints of one architecture: a bare encoder has
    none, one saved inside a bigger model has for example ``mpnet.``.

    Args:
        path: A safetensors file; or a ``.bin``, which torch loads.
        anchor: The name of a tensor that every checkpoint of the architecture has; finds the prefix.

    Raises:
        CheckpointError: The file isn't valid, or holds none or several named like the anchor.
        MissingDependencyError: It is a ``.bin`` and torch isn't installed.
    """

    def __init__(self, path: Path, anchor: str) -> None:
        """Open the file and find the prefix of its names."""
        self.path = path
        self._file: TensorSource = PickledTensors(path) if path.suffix == ".bin" else _SafeTensors(path)
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
        """Read a torch ``nn.LayerNorm``."""
        return LayerNorm(self.read(f"{name}.weight", (dim,)), self.read(f"{name}.bias", (dim,)), epsilon)
