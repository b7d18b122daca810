"""The wire-format reader finds what the onnx library finds, in any model."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import onnx
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from hypothesis import given
from hypothesis import strategies as st

from biolord_onnx.errors import ArtifactError
from biolord_onnx.onnx_file import external_locations

NAME = st.text(max_size=6)
LOCATION = st.text(max_size=200)
TENSORS = st.builds(
    onnx.TensorProto,
    name=NAME,
    dims=st.lists(st.integers(0, 2**40), max_size=3),
    raw_data=st.binary(max_size=300),
    double_data=st.lists(st.floats(), max_size=2),
    external_data=st.lists(
        st.builds(
            onnx.StringStringEntryProto,
            key=st.sampled_from(["location", "offset", "length", ""]),
            value=LOCATION,
        ),
        max_size=3,
    ),
)
SPARSE = st.builds(onnx.SparseTensorProto, values=TENSORS, indices=TENSORS)


def attributes(graphs: st.SearchStrategy[onnx.GraphProto]) -> st.SearchStrategy[onnx.AttributeProto]:
    """Build attributes of every kind that can hold a tensor."""
    return st.one_of(
        st.builds(onnx.AttributeProto, name=NAME, f=st.floats(width=32), i=st.integers(-(2**63), 2**63 - 1)),
        st.builds(onnx.AttributeProto, t=TENSORS),
        st.builds(onnx.AttributeProto, tensors=st.lists(TENSORS, max_size=2)),
        st.builds(onnx.AttributeProto, sparse_tensor=SPARSE),
        st.builds(onnx.AttributeProto, g=graphs, graphs=st.lists(graphs, max_size=2)),
    )


def nodes(graphs: st.SearchStrategy[onnx.GraphProto]) -> st.SearchStrategy[onnx.NodeProto]:
    """Build nodes with such attributes."""
    return st.builds(onnx.NodeProto, name=NAME, attribute=st.lists(attributes(graphs), max_size=2))


def graphs_around(inner: st.SearchStrategy[onnx.GraphProto]) -> st.SearchStrategy[onnx.GraphProto]:
    """Build graphs whose nodes may hold other graphs."""
    return st.builds(
        onnx.GraphProto,
        name=NAME,
        node=st.lists(nodes(inner), max_size=2),
        initializer=st.lists(TENSORS, max_size=2),
        sparse_initializer=st.lists(SPARSE, max_size=1),
    )


GRAPHS = st.recursive(st.builds(onnx.GraphProto, name=NAME), graphs_around, max_leaves=3)
MODELS = st.builds(
    onnx.ModelProto,
    ir_version=st.integers(0, 2**62),
    graph=GRAPHS,
    functions=st.lists(
        st.builds(
            onnx.FunctionProto,
            node=st.lists(nodes(GRAPHS), max_size=1),
            attribute_proto=st.lists(attributes(GRAPHS), max_size=1),
        ),
        max_size=1,
    ),
    training_info=st.lists(st.builds(onnx.TrainingInfoProto, initialization=GRAPHS, algorithm=GRAPHS), max_size=1),
)


def messages(message: Message) -> Iterator[Message]:
    """Yield a message and all messages in it, by protobuf's own reflection."""
    yield message
    for field, value in message.ListFields():
        if field.type == FieldDescriptor.TYPE_MESSAGE:
            for inner in [value] if isinstance(value, Message) else value:
                yield from messages(inner)


def expected(model: onnx.ModelProto) -> set[str]:
    """Collect the locations of every tensor anywhere."""
    return {
        entry.value
        for message in messages(model)
        if isinstance(message, onnx.TensorProto)
        for entry in message.external_data
        if entry.key == "location"
    }


@given(MODELS)
def test_every_location_is_found(model: onnx.ModelProto) -> None:
    """No tensor of a valid model escapes the reader, and nothing else is taken for a location."""
    assert external_locations(model.SerializeToString()) == expected(model)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    """Noise is an answer or an ArtifactError: never another exception, never a hang."""
    with contextlib.suppress(ArtifactError):
        assert isinstance(external_locations(data), frozenset)


@given(MODELS, st.data())
def test_a_damaged_model_is_read_or_refused(model: onnx.ModelProto, data: st.DataObject) -> None:
    """Flipped and missing bytes are an answer or an ArtifactError, too."""
    serialised = bytearray(model.SerializeToString())
    cut = data.draw(st.integers(0, len(serialised)))
    del serialised[cut:]
    for position in data.draw(st.lists(st.integers(0, max(0, cut - 1)), max_size=3)) if cut else []:
        serialised[position] ^= data.draw(st.integers(1, 255))
    with contextlib.suppress(ArtifactError):
        assert isinstance(external_locations(bytes(serialised)), frozenset)
