"""What a graph may do and read."""

from __future__ import annotations

from dataclasses import replace

import pytest

from biolord_onnx.errors import ArtifactError
from biolord_onnx.graph.check import MOST_NODES, MOST_TENSORS, check_graph
from biolord_onnx.graph.file import External, Graph, Node, Opset, Tensor
from biolord_onnx.graph.operators import OPERATORS

SIZES = {"model.onnx.data": 1024, "other.bin": 64}
FLOAT, INT64 = 1, 7


def stored(name: str, start: object, count: int, **changes: object) -> Tensor:
    """Describe a tensor of so many float32 in a file."""
    entries = {"location": "model.onnx.data", "offset": start, "length": count * 4} | changes
    return Tensor(name, (count,), FLOAT, None, External(tuple((key, str(value)) for key, value in entries.items())))


GRAPH = Graph(
    nodes=(Node("", "Gather", ("axis",)), Node("com.microsoft", "Gelu", ())),
    tensors=(
        stored("a", 0, 16),
        stored("b", 64, 240),
        stored("c", 0, 16, location="other.bin"),
        Tensor("scalar", (), INT64, 8, None),
        Tensor("empty", (0,), INT64, None, None),
    ),
    opsets=(Opset("", 18), Opset("com.microsoft", 1)),
)


def refused(graph: Graph, message: str) -> None:
    """Check that a graph is refused in one line."""
    with pytest.raises(ArtifactError) as raised:
        check_graph(graph, "model.onnx", SIZES)
    assert message in str(raised.value)
    assert str(raised.value).endswith(": don't use this artifact")
    assert "\n" not in str(raised.value)


def test_a_graph_of_an_export_passes() -> None:
    """Listed operators, aligned tensors; two of them may be one."""
    check_graph(GRAPH, "model.onnx", SIZES)
    check_graph(replace(GRAPH, tensors=(stored("a", 0, 16), stored("again", 0, 16))), "model.onnx", SIZES)


@pytest.mark.parametrize(
    ("node", "message"),
    [
        (Node("", "Loop", ()), "has the operator 'Loop', which no export writes"),
        (Node("", "If", ()), "has the operator 'If', which no export writes"),
        (Node("", "Scan", ()), "has the operator 'Scan', which no export writes"),
        (Node("", "Constant", ()), "has the operator 'Constant', which no export writes"),
        (Node("com.microsoft", "EPContext", ()), "has the operator 'com.microsoft.EPContext'"),
        (Node("ai.onnx", "Gather", ()), "has the operator 'ai.onnx.Gather'"),
        (Node("ai.onnx.ml", "TreeEnsemble", ()), "has the operator 'ai.onnx.ml.TreeEnsemble'"),
        (Node("com.evil", "Run", ()), "has the operator 'com.evil.Run'"),
        (Node("", "x" * 999, ()), "xxx..., which no export writes"),
        (Node("", "Add", ("body",)), "gives the operator 'Add' the attributes ('body',), expected []"),
        (Node("", "Cast", ("to", "to")), "gives the operator 'Cast' the attributes ('to', 'to'), expected ['to']"),
    ],
)
def test_other_operators_are_refused(node: Node, message: str) -> None:
    """What loops, branches, reads files or runs code, and whatever else isn't listed."""
    refused(replace(GRAPH, nodes=(*GRAPH.nodes, node)), message)


def test_no_listed_operator_holds_a_graph() -> None:
    """The list itself: none of ONNX's control flow, and of three domains."""
    assert {domain for domain, _ in OPERATORS} == {"", "com.microsoft", "biolord"}
    assert not {kind for _, kind in OPERATORS} & {"Loop", "If", "Scan", "SequenceMap", "Constant", "EPContext"}


@pytest.mark.parametrize("domains", [("", ""), ("com.evil",), ("", "com.microsoft", "ai.onnx.training")])
def test_other_domains_are_refused(domains: tuple[str, ...]) -> None:
    """Those of the exporter, each once."""
    opsets = tuple(Opset(domain, 1) for domain in domains)
    refused(replace(GRAPH, opsets=opsets), "expected ['', 'biolord', 'com.microsoft'], each once")


def test_too_much_of_anything_is_refused() -> None:
    """Reading a graph takes a while for each operator and tensor."""
    refused(replace(GRAPH, nodes=GRAPH.nodes[:1] * (MOST_NODES + 1)), "has 10001 operators, expected 10000 at most")
    tensors = (GRAPH.tensors[0],) * (MOST_TENSORS + 1)
    refused(replace(GRAPH, tensors=tensors), "has 10001 tensors, expected 10000 at most")


@pytest.mark.parametrize(
    ("tensor", "message"),
    [
        (stored("b", 64, 16), "has 2 tensors of 1 names"),
        (stored("x", 4, 16), "has the tensor 'x' at byte 4 of model.onnx.data, expected a multiple of 64"),
        (stored("x", 960, 17), "has the tensor 'x' up to byte 1028 of model.onnx.data, of 1024"),
        (stored("x", 64 * 10**15, 1), "up to byte 64000000000000004 of model.onnx.data"),
        (stored("x", 128, 16), "has tensors that share bytes 128 to 1024 of model.onnx.data"),
        (stored("x", 64, 239), "has tensors that share bytes 64 to 10"),
        (stored("x", "064", 16), "has the tensor 'x' at '064', expected a number of bytes"),
        (stored("x", "-64", 16), "at '-64', expected a number of bytes"),
        (stored("x", "64 ", 16), "at '64 ', expected a number of bytes"),
        (stored("x", "٦٤", 16), "at '٦٤', expected a number of bytes"),
        (stored("x", "9" * 5000, 16), "999..., expected a number of bytes"),
        (stored("x", 64, 16, length="1e3"), "at '1e3', expected a number of bytes"),
        (stored("x", 64, 16, length=4), "takes 4 bytes of model.onnx.data for the tensor 'x' of 64"),
        (stored("x", 64, 16, checksum="x"), "by ['checksum', 'length', 'location', 'offset'], expected"),
        (stored("x", 0, 1, location="../secret"), "takes weights from '../secret', which the manifest does not list"),
        (stored("x", 0, 1, location="*/_ORT_MEM_ADDR_/*"), "takes weights from '*/_ORT_MEM_ADDR_/*'"),
        (Tensor("x", (1,), FLOAT, None, External((("location", "other.bin"),))), "by ['location'], expected"),
        (
            Tensor("x", (1,), FLOAT, None, External((("location", "other.bin"),) * 2)),
            "by ['location', 'location'], expected",
        ),
        (Tensor("x", (2,), FLOAT, 4, None), "has 4 bytes for the tensor 'x' of 8"),
        (Tensor("x", (2,), FLOAT, None, None), "has 0 bytes for the tensor 'x' of 8"),
        (Tensor("x", (), FLOAT, 4, External(())), "has the tensor 'x' in itself and in a file"),
        (Tensor("x", (1,), 8, 1, None), "has the tensor 'x' of ONNX's type 8, which no export writes"),
        (Tensor("x", (1,), 0, 1, None), "of ONNX's type 0"),
        (Tensor("x", (2**31,), FLOAT, 4, None), "has the tensor 'x' of shape (2147483648,)"),
        (Tensor("x", (2**64 - 1,), FLOAT, 4, None), "of shape (18446744073709551615,)"),
        (Tensor("x", (1,) * 9, FLOAT, 4, None), "of shape (1, 1, 1, 1, 1, 1, 1, 1, 1)"),
        (Tensor("x", (2**31 - 1,) * 8, FLOAT, 4, None), "has 4 bytes for the tensor 'x' of "),
    ],
)
def test_tensors_that_do_not_fit_are_refused(tensor: Tensor, message: str) -> None:
    """Each stands in a listed file or in the graph, whole, aligned, by itself."""
    refused(replace(GRAPH, tensors=(GRAPH.tensors[1], tensor)), message)
