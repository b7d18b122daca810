"""The wire-format reader. Generated models stand in tests/property, broken bytes in tests/hostile."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from biolord_onnx.errors import ArtifactError
from biolord_onnx.onnx_file import external_locations
from unit.runtime.tiny_artifact import tiny_model, tiny_table


def external(location: str, name: str = "t") -> TensorProto:
    """Build a tensor whose numbers stand in another file."""
    tensor = numpy_helper.from_array(np.zeros(2, dtype=np.float32), name)
    onnx.external_data_helper.set_external_data(tensor, location)
    tensor.ClearField("raw_data")
    return tensor


def sparse(location: str) -> onnx.SparseTensorProto:
    """Build a sparse tensor with external values and indices."""
    return helper.make_sparse_tensor(external(f"{location}.values"), external(f"{location}.indices"), [4])


def locations_of(graph: onnx.GraphProto) -> set[str]:
    """Find the locations of a model with this graph."""
    return set(external_locations(onnx.ModelProto(ir_version=8, graph=graph).SerializeToString()))


def node_graph(node: onnx.NodeProto) -> onnx.GraphProto:
    """Build a graph of one node."""
    return onnx.GraphProto(name="g", node=[node])


def test_initialisers_are_searched() -> None:
    """The usual place: the weights of the graph."""
    assert external_locations(tiny_model(tiny_table()).SerializeToString()) == {"model.onnx.data"}


def test_equal_locations_count_once() -> None:
    """Two thousand weights in one file give one name."""
    graph = onnx.GraphProto(initializer=[external("w", str(i)) for i in range(2000)])
    assert locations_of(graph) == {"w"}


def test_inline_weights_have_no_location() -> None:
    """A model that holds its weights itself names no file."""
    graph = onnx.GraphProto(initializer=[numpy_helper.from_array(np.zeros(300, dtype=np.float32), "w")])
    assert locations_of(graph) == set()


def test_an_empty_file_names_nothing() -> None:
    """No bytes are a valid, empty message."""
    assert external_locations(b"") == frozenset()


def test_sparse_initialisers_are_searched() -> None:
    """Values and indices of a sparse initialiser are tensors, too."""
    assert locations_of(onnx.GraphProto(sparse_initializer=[sparse("s")])) == {"s.values", "s.indices"}


@pytest.mark.parametrize(
    ("attribute", "expected"),
    [
        (onnx.AttributeProto(name="a", t=external("one")), {"one"}),
        (onnx.AttributeProto(name="a", tensors=[external("x"), external("y")]), {"x", "y"}),
        (onnx.AttributeProto(name="a", sparse_tensor=sparse("s")), {"s.values", "s.indices"}),
        (onnx.AttributeProto(name="a", sparse_tensors=[sparse("s")]), {"s.values", "s.indices"}),
        (onnx.AttributeProto(name="a", g=onnx.GraphProto(initializer=[external("deep")])), {"deep"}),
        (
            onnx.AttributeProto(name="a", graphs=[node_graph(helper.make_node("If", [], [], a=external("deeper")))]),
            {"deeper"},
        ),
    ],
)
def test_attributes_of_nodes_are_searched(attribute: onnx.AttributeProto, expected: set[str]) -> None:
    """Tensors and subgraphs in attributes are found, at any depth."""
    assert locations_of(node_graph(onnx.NodeProto(op_type="X", attribute=[attribute]))) == expected


def test_functions_are_searched() -> None:
    """A model-local function can hold constants, in its nodes and in the defaults of its attributes."""
    node = helper.make_node("Constant", [], ["c"], value=external("node"))
    default = onnx.AttributeProto(name="d", t=external("default"))
    function = onnx.FunctionProto(name="f", node=[node], attribute_proto=[default])
    model = onnx.ModelProto(functions=[function])
    assert external_locations(model.SerializeToString()) == {"node", "default"}


def test_training_graphs_are_searched() -> None:
    """Training information holds graphs, too."""
    training = onnx.TrainingInfoProto(
        initialization=onnx.GraphProto(initializer=[external("start")]),
        algorithm=onnx.GraphProto(initializer=[external("step")]),
    )
    model = onnx.ModelProto(training_info=[training])
    assert external_locations(model.SerializeToString()) == {"start", "step"}


def test_other_external_entries_are_no_locations() -> None:
    """Offset, length and checksum stand in the same list and are passed over."""
    tensor = external("w")
    tensor.external_data.add(key="checksum", value="../etc")
    tensor.external_data.add(value="keyless")
    tensor.external_data.add(key="location")
    assert locations_of(onnx.GraphProto(initializer=[tensor])) == {"w", ""}


def test_fields_of_every_wire_type_are_passed_over() -> None:
    """Doubles, floats and packed numbers are no messages."""
    tensor = external("w")
    tensor.double_data.extend([1.0, 2.0])
    attribute = onnx.AttributeProto(name="a", f=1.5, i=-(2**40), floats=[1.0], ints=[-1], s=b"\xff" * 200)
    fixed64 = bytes([99 << 3 & 0x7F | 0x80 | 1, 99 >> 4]) + bytes(8)
    model = onnx.ModelProto(graph=onnx.GraphProto(initializer=[tensor], node=[onnx.NodeProto(attribute=[attribute])]))
    assert external_locations(model.SerializeToString() + fixed64) == {"w"}


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"\x3a", "an unfinished number"),
        (b"\xff", "an unfinished number"),
        (b"\x80" * 11, "an unfinished number"),
        (b"\x3a\x05abc", "a field longer than its message"),
        (b"\x09\x00", "a field longer than its message"),
        (b"\x0b", "wire type 3"),
        (b"\x0f", "wire type 7"),
    ],
)
def test_malformed_bytes_are_refused(data: bytes, what: str) -> None:
    """What is no protobuf is an ArtifactError that says why."""
    with pytest.raises(ArtifactError, match=f"model.onnx is not a readable ONNX file: {what} near byte"):
        external_locations(data)


def test_a_location_that_is_no_text_is_refused() -> None:
    """A location is a file name, hence UTF-8."""
    data = onnx.ModelProto(graph=onnx.GraphProto(initializer=[external("QQ")])).SerializeToString()
    with pytest.raises(ArtifactError, match="an external-data location that isn't UTF-8"):
        external_locations(data.replace(b"QQ", b"\xff\xfe"))
