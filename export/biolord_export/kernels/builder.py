"""A graph builder for graphs of the compiled operators."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from biolord_export.graph.builder import OPSET, GraphBuilder
from biolord_onnx.graph.compiled_operators import VERSIONS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from biolord_export.checkpoint.weights import LayerNorm
    from biolord_export.kernels.packing import PackedLinear


class KernelGraph(GraphBuilder):
    """Collects nodes of the domain ``biolord``.

    Every constant lies in the data file, however small: the operators use it where it is mapped.
    """

    opsets: ClassVar[Mapping[str, int]] = {"": OPSET, **VERSIONS}
    inline_bytes: ClassVar[int] = 0

    def norm(self, norm: LayerNorm) -> str:
        """Add float32 [2, dim], the gain and the shift of a normalization."""
        return self.constant(np.stack([norm.weight, norm.bias]), "norm")

    def layer(self, linear: PackedLinear, name: str) -> tuple[str, str]:
        """Add the weight of a linear layer and what belongs to each of its outputs."""
        return self.constant(linear.packed, name), self.constant(linear.columns, f"{name}/columns")

    def optional(self, value: NDArray[np.generic] | None, name: str) -> str:
        """Add a constant that may be left out; empty then."""
        return "" if value is None else self.constant(value, name)
