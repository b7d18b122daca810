"""The graph reader agrees with the onnx library about any model that it lets pass.

Damaged ones stand in tests/hostile.
"""

from __future__ import annotations

import contextlib

import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from biolord_onnx.errors import ArtifactError
from biolord_onnx.graph.file import External, Graph, Node, Opset, Tensor, read_graph

# What `str.isprintable` is true of; a filter would draw most characters in vain.
pytestmark = pytest.mark.usefixtures("coverage_paused")
NAME = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"], include_characters=" "), max_size=6)
ENTRY = st.builds(onnx.StringStringEntryProto, key=st.sampled_from(["location", "offset", "length"]), value=NAME)
DIMS = st.lists(st.integers(0, 2**40), max_size=3)
TENSORS = st.one_of(
    st.builds(onnx.TensorProto, name=NAME, dims=DIMS, data_type=st.integers(0, 30), raw_data=st.binary(max_size=300)),
    st.builds(
        onnx.TensorProto,
        name=NAME,
        dims=DIMS,
        data_location=st.just(onnx.TensorProto.EXTERNAL),
        external_data=st.lists(ENTRY, min_size=1, max_size=3),
    ),
)
INTEGER = st.integers(-(2**63), 2**63 - 1)
ATTRIBUTES = st.one_of(
    st.builds(onnx.AttributeProto, name=NAME, f=st.floats(width=32)),
    st.builds(onnx.AttributeProto, name=NAME, i=INTEGER, type=st.just(onnx.AttributeProto.INT)),
    st.builds(onnx.AttributeProto, name=NAME, ints=st.lists(INTEGER, max_size=3)),
)
NODES = st.builds(
    onnx.NodeProto,
    name=NAME,
    op_type=NAME,
    domain=NAME,
    input=st.lists(NAME, max_size=2),
    output=st.lists(NAME, max_size=2),
    attribute=st.lists(ATTRIBUTES, max_size=2),
)
VALUES = st.builds(
    onnx.helper.make_tensor_value_info, NAME, st.integers(1, 16), st.lists(st.integers(0, 2**40) | NAME, max_size=3)
)
MODELS = st.builds(
    onnx.ModelProto,
    ir_version=st.integers(0, 2**62),
    producer_name=NAME,
    graph=st.builds(
        onnx.GraphProto,
        name=NAME,
        node=st.lists(NODES, max_size=3),
        initializer=st.lists(TENSORS, max_size=3),
        input=st.lists(VALUES, max_size=2),
        output=st.lists(VALUES, max_size=2),
    ),
    opset_import=st.lists(st.builds(onnx.OperatorSetIdProto, domain=NAME, version=st.integers(0, 99)), max_size=2),
)


def expected(model: onnx.ModelProto) -> Graph:
    """Collect the same facts with the onnx library."""
    return Graph(
        tuple(map(expected_node, model.graph.node)),
        tuple(
            Tensor(
                tensor.name,
                tuple(tensor.dims),
                tensor.data_type,
                len(tensor.raw_data) if tensor.HasField("raw_data") else None,
                External(tuple((e.key, e.value) for e in tensor.external_data)) if tensor.external_data else None,
            )
            for tensor in model.graph.initializer
        ),
        tuple(Opset(opset.domain, opset.version) for opset in model.opset_import),
    )


def expected_node(node: onnx.NodeProto) -> Node:
    """Collect an operator's facts."""
    return Node(
        node.domain,
        node.op_type,
        tuple(attribute.name for attribute in node.attribute),
        tuple(node.input),
        tuple(node.output),
        tuple((attribute.name, attribute.i % 2**64) for attribute in node.attribute if attribute.HasField("i")),
    )


@given(MODELS)
def test_every_part_is_found(model: onnx.ModelProto) -> None:
    """Of any model that has the parts of an export, as protobuf writes it."""
    assert read_graph(model.SerializeToString()) == expected(model)


@given(MODELS, st.sampled_from(["functions", "training_info", "metadata_props", "doc_string", "domain"]))
def test_nothing_beside_them_is_passed_over(model: onnx.ModelProto, more: str) -> None:
    """A field that no export has is refused, be it empty."""
    if more in {"doc_string", "domain"}:
        setattr(model, more, "")
    else:
        getattr(model, more).add()
    with contextlib.suppress(ArtifactError):
        read_graph(model.SerializeToString())
        raise AssertionError(f"{more} was passed over")


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    """Noise is an answer or an ArtifactError: never another exception, never a hang."""
    with contextlib.suppress(ArtifactError):
        assert isinstance(read_graph(data), Graph)
