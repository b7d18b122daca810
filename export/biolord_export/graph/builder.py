"""Write an ONNX graph one operator at a time, and save it with its weights beside it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from onnx import ModelProto, NodeProto, TensorProto, ValueInfoProto, checker, helper

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from biolord_export.checkpoint.weights import Float32

    Attribute = int | float | str | tuple[int, ...]
    Shape = Sequence[int | str]

MICROSOFT = "com.microsoft"
"""The domain of onnxruntime's own operators."""
OPSET = 21
MICROSOFT_OPSET = 1
IR_VERSION = 10
MODEL_FILE = "model.onnx"
DATA_FILE = "model.onnx.data"
INLINE_BYTES = 1024
"""Tensors up to this size stay in the graph file: shapes, indices and scalars that the optimizer wants to see."""
ALIGNMENT = 64
"""External tensors begin at a cache line: kernels use them where the file is mapped."""


@dataclass(frozen=True, slots=True)
class FloatFormat:
    """Precision of constants, and the type that constants and hidden values are computed in."""

    constants: type[np.floating[Any]]
    hidden: type[np.floating[Any]]


FLOAT32 = FloatFormat(np.float32, np.float32)
FLOAT16 = FloatFormat(np.float16, np.float16)
WIDENED_FLOAT16 = FloatFormat(np.float16, np.float32)
"""float16's constants in a graph that any CPU computes."""


class GraphBuilder:
    """Collects nodes and constants; equal constants, and equal nodes, are kept once.

    Every method that adds something returns the name of the value it yields, to be given to the next one.

    Attributes:
        opsets: The version of each domain of operators that a graph may use.
        ir_version: Of the file format.
        inline_bytes: Constants up to this size stay in the graph file.
    """

    opsets: ClassVar[Mapping[str, int]] = {"": OPSET, MICROSOFT: MICROSOFT_OPSET}
    ir_version: ClassVar[int] = IR_VERSION
    inline_bytes: ClassVar[int] = INLINE_BYTES

    def __init__(self, name: str, floats: FloatFormat = FLOAT32) -> None:
        """Start an empty graph that computes in a floating-point format."""
        self.name = name
        self.floats = floats
        self._nodes: list[NodeProto] = []
        self._constants: dict[str, NDArray[np.generic]] = {}
        self._digests: dict[tuple[str, tuple[int, ...], bytes], str] = {}
        self._results: dict[tuple[object, ...], tuple[str, ...]] = {}
        self._inputs: list[ValueInfoProto] = []
        self._outputs: list[ValueInfoProto] = []

    def input(self, name: str, kind: int, shape: Shape) -> str:
        """Declare a graph input of an ONNX element type; names in the shape are free dimensions."""
        self._inputs.append(helper.make_tensor_value_info(name, kind, shape))
        return name

    def output(self, name: str, value: str, kind: int, shape: Shape) -> None:
        """Declare a graph output that yields ``value``."""
        self._nodes.append(helper.make_node("Identity", [value], [name], name=f"output/{name}"))
        self._outputs.append(helper.make_tensor_value_info(name, kind, shape))

    def constant(self, value: NDArray[np.generic], name: str = "constant") -> str:
        """Add a constant tensor; one that was added before is used again."""
        array = np.asarray(value, order="C")
        key = (array.dtype.str, array.shape, hashlib.sha256(array.data).digest())
        if key not in self._digests:
            unique = name if name not in self._constants else f"{name}/{len(self._constants)}"
            self._digests[key] = unique
            self._constants[unique] = array
        return self._digests[key]

    def real(self, value: Float32, name: str) -> str:
        """Add a constant in the graph's floating-point format."""
        stored = value.astype(self.floats.constants, copy=False)
        return self.constant(stored.astype(self.floats.hidden, copy=False), name)

    def ints(self, *values: int) -> str:
        """Add a one-dimensional int64 constant."""
        return self.constant(np.array(values, dtype=np.int64), "ints")

    def scalar(self, value: float, kind: type[np.generic] = np.float32) -> str:
        """Add a constant without dimensions."""
        return self.constant(np.array(value, dtype=kind), "scalar")

    def op(self, kind: str, *inputs: str, domain: str = "", **attributes: Attribute) -> str:
        """Add a node with one output; an empty input name leaves an optional input out."""
        return self.op_many(kind, *inputs, outputs=1, domain=domain, **attributes)[0]

    def op_many(
        self, kind: str, *inputs: str, outputs: int, domain: str = "", **attributes: Attribute
    ) -> tuple[str, ...]:
        """Add a node with several outputs."""
        call = (domain, kind, inputs, outputs, *sorted(attributes.items()))
        if call not in self._results:
            name = f"{kind}_{len(self._nodes)}"
            results = tuple(name if outputs == 1 else f"{name}:{index}" for index in range(outputs))
            node = helper.make_node(kind, inputs, results, name=name, domain=domain)
            node.attribute.extend(helper.make_attribute(key, value) for key, value in attributes.items())
            self._nodes.append(node)
            self._results[call] = results
        return self._results[call]

    def widen(self, value: str) -> str:
        """Yield a hidden value in float32."""
        return value if self.floats.hidden is np.float32 else self.op("Cast", value, to=TensorProto.FLOAT)

    def save(self, folder: Path) -> Path:
        """Write ``model.onnx`` and ``model.onnx.data`` into a folder and check them; returns the graph file's path."""
        path = folder / MODEL_FILE
        path.write_bytes(self._model(folder / DATA_FILE).SerializeToString())
        checker.check_model(path)
        return path

    def _model(self, data: Path) -> ModelProto:
        with data.open("wb") as stream:
            tensors = []
            for name, array in self._constants.items():
                if array.nbytes <= self.inline_bytes:
                    tensors.append(_describe(name, array, raw=array.tobytes()))
                    continue
                stream.write(b"\0" * (-stream.tell() % ALIGNMENT))
                tensors.append(_describe(name, array, location=data.name, offset=stream.tell()))
                stream.write(array.data)
        graph = helper.make_graph(self._nodes, self.name, self._inputs, self._outputs, tensors)
        return helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid(domain, opset) for domain, opset in self.opsets.items()],
            ir_version=self.ir_version,
            producer_name="biolord-onnx",
        )


def _describe(
    name: str, array: NDArray[np.generic], raw: bytes | None = None, location: str = "", offset: int = 0
) -> TensorProto:
    tensor = TensorProto(name=name, dims=array.shape, data_type=helper.np_dtype_to_tensor_dtype(array.dtype))
    if raw is not None:
        tensor.raw_data = raw
        return tensor
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in (("location", location), ("offset", offset), ("length", array.nbytes)):
        tensor.external_data.add(key=key, value=str(value))
    return tensor
