"""Tensors of safetensors files, of one or of several."""

from __future__ import annotations

import json
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

import numpy as np
from safetensors import SafetensorError, safe_open

from biolord_export.errors import CheckpointError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from numpy.typing import NDArray

BFLOAT16 = "BF16"


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
        """Return a tensor's values; bfloat16, which numpy doesn't have, in float32."""
        ...


class SafeTensors:
    """The tensors of a safetensors file.

    Raises:
        CheckpointError: It isn't one.
    """

    def __init__(self, path: Path) -> None:
        """Open the file; its header is checked."""
        self._path = path
        try:
            self._file = safe_open(path, framework="numpy")
        except (SafetensorError, OSError) as error:
            raise CheckpointError(f"{path} is not a readable safetensors file ({error}): download it again") from error

    def names(self) -> frozenset[str]:
        """List the tensors."""
        return frozenset(self._file.keys())

    def dtype(self, name: str) -> str:
        """Name a tensor's number format."""
        return str(self._file.get_slice(name).get_dtype())

    def shape(self, name: str) -> tuple[int, ...]:
        """Return a tensor's shape."""
        return tuple(self._file.get_slice(name).get_shape())

    def values(self, name: str) -> NDArray[np.generic]:
        """Return a tensor's values."""
        if self.dtype(name) != BFLOAT16:
            return np.asarray(self._file.get_tensor(name))
        halves = np.fromfile(self._path, "<u2", int(np.prod(self.shape(name))), offset=self._starts[name])
        return widen_bfloat16(halves).reshape(self.shape(name))

    @cached_property
    def _starts(self) -> dict[str, int]:
        """Where each tensor's bytes begin in the file, which `safe_open` has checked."""
        with self._path.open("rb") as stream:
            length = int.from_bytes(stream.read(8), "little")
            header = json.loads(stream.read(length))
        header.pop("__metadata__", None)
        return {name: 8 + length + tensor["data_offsets"][0] for name, tensor in header.items()}


def widen_bfloat16(halves: NDArray[np.uint16]) -> NDArray[np.float32]:
    """Return the numbers whose upper halves in float32 are given."""
    return (halves.astype(np.uint32) << 16).view(np.float32)


class ManyFiles:
    """The tensors of several files.

    Raises:
        CheckpointError: A tensor stands in two of them.
    """

    def __init__(self, sources: Iterable[TensorSource]) -> None:
        """Find out which file has which tensor."""
        self._owners: dict[str, TensorSource] = {}
        for source in sources:
            twice = sorted(source.names() & self._owners.keys())
            if twice:
                raise CheckpointError(f"several of the weights files have a tensor {twice[0]}: download them again")
            self._owners |= dict.fromkeys(source.names(), source)

    def names(self) -> frozenset[str]:
        """List the tensors."""
        return frozenset(self._owners)

    def dtype(self, name: str) -> str:
        """Name a tensor's number format."""
        return self._owners[name].dtype(name)

    def shape(self, name: str) -> tuple[int, ...]:
        """Return a tensor's shape."""
        return self._owners[name].shape(name)

    def values(self, name: str) -> NDArray[np.generic]:
        """Return a tensor's values."""
        return self._owners[name].values(name)
