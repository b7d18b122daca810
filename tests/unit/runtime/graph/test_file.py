"""The graph reader. Generated and damaged models stand in tests/property and tests/hostile."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from biolord_onnx.errors import ArtifactError
from biolord_onnx.graph.file import External, Node, Opset, Tensor, read_graph
from biolord_onnx.graph.wire import read_varint
from unit.runtime.tiny_artifact import DIM, VOCABULARY, tiny_model, tiny_table

MODEL = tiny_model(tiny_table()).SerializeToString()


def varint(value: int, longer: int = 0) -> bytes:
    """Encode a number as protobuf does, or in more bytes than it takes."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, *([value | 0x80] + [0x80] * (longer - 1) + [0] if longer else [value])])


def field(number: int, content: bytes, kind: int = 2) -> bytes:
    """Encode a length-delimited field."""
    return varint(number << 3 | kind) + varint(len(content)) + content


def graph_with(*fields: bytes) -> bytes:
    """Encode a model whose graph is these fields."""
    return field(7, b"".join(fields))


def refused(data: bytes, message: str) -> None:
    """Check that bytes are refused in one line."""
    with pytest.raises(ArtifactError) as raised:
        read_graph(data)
    assert f"model.onnx is not a readable ONNX file: {message} near byte" in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_graph_is_read() -> None:
    """Its operators, tensors and domains."""
    graph = read_graph(MODEL)
    assert graph.opsets == (Opset("", 18),)
    assert graph.nodes[1] == Node("", "Cast", ("to",), ("attention_mask",), ("mask",), (("to", 1),))
    entries = External((("location", "model.onnx.data"), ("offset", "0"), ("length", str(len(VOCABULARY) * DIM * 4))))
    assert graph.tensors == (
        Tensor("table", (len(VOCABULARY), DIM), 1, None, entries),
        Tensor("axis", (1,), 7, 8, None),
    )


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"", "no graph"),
        (b"\x08\x0a", "no graph"),
        (b"\x3a", "an unfinished number"),
        (b"\xff", "an unfinished number"),
        (b"\x80" * 11, "an unfinished number"),
        (b"\x08" + b"\xff" * 9 + b"\x02", "a number in another spelling than the shortest"),
        (b"\x3a\x05abc", "a field longer than its message"),
        (graph_with(b"\x12\x05abc"), "a field longer than its message"),
        (b"\x09\x00", "field 1 of wire type 1 in ModelProto, which no export writes"),
        (b"\x0b", "field 1 of wire type 3 in ModelProto, which no export writes"),
        (b"\x0f", "field 1 of wire type 7 in ModelProto, which no export writes"),
        (graph_with(field(2, b"\xff")), "a text that isn't UTF-8"),
        (graph_with(field(2, b"a\x1b[2J")), "a name of more than 512 characters, or of some that can't be printed"),
        (graph_with(field(2, b"x" * 513)), "a name of more than 512 characters, or of some that can't be printed"),
        (b"\x08\x0a\x12\x04ORTM" + MODEL, "onnxruntime's own format"),
        (graph_with(field(5, b"\x10" + varint(2**32 + 1))), "data_type of more than 31 bits"),
    ],
)
def test_malformed_bytes_are_refused(data: bytes, what: str) -> None:
    """What is no protobuf is an ArtifactError that says why."""
    refused(data, what)


OTHER_SPELLINGS = {
    "a number with a byte to spare": (b"\x08\x8a\x00" + MODEL, "a number in another spelling than the shortest"),
    "a length with a byte to spare": (
        b"\x3a" + varint(2, longer=1) + b"\x12\x00",
        "a number in another spelling than the shortest",
    ),
    "a tag with a byte to spare": (b"\xba\x00\x00", "a number in another spelling than the shortest"),
    # Bits above 32, which onnxruntime's parser drops: for it, this is the graph.
    "a tag of five bytes": (b"\xba\x80\x80\x80\x10" + varint(2) + b"\x12\x00", "field 536870919 of wire type 2"),
    "a graph in two parts": (MODEL + graph_with(field(2, b"more")), "the field graph twice"),
    "a group": (MODEL + b"\x3b\x12\x00\x3c", "field 7 of wire type 3"),
    "a field that nobody knows": (MODEL + field(99, b"x"), "field 99 of wire type 2"),
    "numbers of a shape packed": (graph_with(field(5, field(1, b"\x01"))), "field 1 of wire type 2 in TensorProto"),
}


@pytest.mark.parametrize("name", OTHER_SPELLINGS)
def test_what_parsers_read_otherwise_is_refused(name: str) -> None:
    """No encoding but the one that protobuf's writers choose."""
    data, what = OTHER_SPELLINGS[name]
    with pytest.raises(ArtifactError, match=what):
        read_graph(data)


def external(location: str) -> onnx.TensorProto:
    """Build a tensor whose numbers stand in another file."""
    tensor = numpy_helper.from_array(np.zeros(2, dtype=np.float32), "t")
    onnx.external_data_helper.set_external_data(tensor, location)
    tensor.ClearField("raw_data")
    return tensor


INNER = onnx.GraphProto(name="g", initializer=[external("/etc/passwd")])
SPARSE = helper.make_sparse_tensor(external("values"), external("indices"), [4])
PLACES = {
    "a tensor in an attribute": (onnx.AttributeProto(name="a", t=external("x")), "field 5"),
    "tensors in an attribute": (onnx.AttributeProto(name="a", tensors=[external("x")]), "field 10"),
    "a subgraph": (onnx.AttributeProto(name="a", g=INNER), "field 6"),
    "subgraphs": (onnx.AttributeProto(name="a", graphs=[INNER]), "field 11"),
    "a sparse tensor in an attribute": (onnx.AttributeProto(name="a", sparse_tensor=SPARSE), "field 22"),
    "sparse tensors in an attribute": (onnx.AttributeProto(name="a", sparse_tensors=[SPARSE]), "field 23"),
    "a type in an attribute": (onnx.AttributeProto(name="a", tp=onnx.TypeProto()), "field 14"),
    "a reference": (onnx.AttributeProto(name="a", ref_attr_name="b"), "field 21"),
    "a string": (onnx.AttributeProto(name="a", s=b"b"), "field 4"),
}


@pytest.mark.parametrize("name", PLACES)
def test_attributes_hold_numbers_only(name: str) -> None:
    """No tensors, graphs, types, references or strings."""
    attribute, what = PLACES[name]
    model = tiny_model(tiny_table())
    model.graph.node[1].attribute.append(attribute)
    refused(model.SerializeToString(), f"{what} of wire type 2 in AttributeProto, which no export writes")


PARTS = {
    "a function": (onnx.ModelProto(functions=[onnx.FunctionProto(name="f")]), "field 25 of wire type 2 in ModelProto"),
    "training": (onnx.ModelProto(training_info=[onnx.TrainingInfoProto()]), "field 20 of wire type 2 in ModelProto"),
    # onnxruntime takes session options from it, where an environment variable says so.
    "metadata": (
        onnx.ModelProto(metadata_props=[onnx.StringStringEntryProto(key="ort_config", value="{}")]),
        "field 14 of wire type 2 in ModelProto",
    ),
    "a sparse tensor": (
        onnx.ModelProto(graph=onnx.GraphProto(sparse_initializer=[SPARSE])),
        "field 15 of wire type 2 in GraphProto",
    ),
    "numbers as text": (
        onnx.ModelProto(graph=onnx.GraphProto(initializer=[onnx.TensorProto(string_data=[b"x"])])),
        "field 6 of wire type 2 in TensorProto",
    ),
    "segments": (
        onnx.ModelProto(graph=onnx.GraphProto(initializer=[onnx.TensorProto(segment=onnx.TensorProto.Segment())])),
        "field 3 of wire type 2 in TensorProto",
    ),
    "an optional input": (
        onnx.ModelProto(
            graph=onnx.GraphProto(
                input=[onnx.ValueInfoProto(type=onnx.TypeProto(optional_type=onnx.TypeProto.Optional()))]
            )
        ),
        "field 9 of wire type 2 in TypeProto",
    ),
    "external entries without a word of it": (
        onnx.ModelProto(
            graph=onnx.GraphProto(
                initializer=[onnx.TensorProto(external_data=[onnx.StringStringEntryProto(key="location", value="x")])]
            )
        ),
        "data location 0 and 1 external entries of one tensor",
    ),
    "external data without a place": (
        onnx.ModelProto(graph=onnx.GraphProto(initializer=[onnx.TensorProto(data_location=onnx.TensorProto.EXTERNAL)])),
        "data location 1 and 0 external entries of one tensor",
    ),
}


@pytest.mark.parametrize("name", PARTS)
def test_parts_that_no_export_has_are_refused(name: str) -> None:
    """Whatever could hide a location, an operator or a setting."""
    model, what = PARTS[name]
    refused(model.SerializeToString(), what if "external" in what else f"{what}, which no export writes")


@pytest.mark.parametrize("value", [0, 1, 127, 128, 300, 2**32, 2**63, 2**64 - 1])
def test_numbers_of_any_size_are_read(value: int) -> None:
    """Up to 64 bits, in the shortest spelling alone."""
    data = varint(value)
    assert read_varint(data, 0, len(data)) == (value, len(data))
    longer = varint(value, longer=1)
    with pytest.raises(ArtifactError):
        read_varint(longer, 0, len(longer))


def test_real_numbers_are_passed_over() -> None:
    """An attribute's value doesn't matter, its name does; one that is cut short is refused."""
    model = tiny_model(tiny_table())
    model.graph.node[0].attribute.append(helper.make_attribute("epsilon", 1e-5))
    assert read_graph(model.SerializeToString()).nodes[0].attributes == ("epsilon",)
    refused(graph_with(field(1, field(5, b"\x15\x00\x00"))), "a field longer than its message")
