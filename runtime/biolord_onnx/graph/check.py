"""What the graph of an artifact may do and read; looked at before onnxruntime sees it."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise

from biolord_onnx.errors import ArtifactError
from biolord_onnx.graph.compiled_check import check_compiled
from biolord_onnx.graph.compiled_operators import VERSIONS
from biolord_onnx.graph.file import External, Graph, Tensor
from biolord_onnx.graph.operators import MICROSOFT, OPERATORS, STANDARD
from biolord_onnx.printable import short

MOST_NODES = MOST_TENSORS = 10_000
MOST_DIMENSIONS = 8
LARGEST_DIMENSION = 2**31 - 1
ALIGNMENT = 64
"""External tensors begin at a cache line, as the exporter writes them: kernels use them where the file is mapped."""
DOMAINS = frozenset({STANDARD, MICROSOFT, *VERSIONS})

# ONNX's number of an element type -> bytes of an element.
_ELEMENT_BYTES = {1: 4, 2: 1, 3: 1, 6: 4, 7: 8, 9: 1, 10: 2}
_NUMBER = re.compile(r"0|[1-9][0-9]{0,17}")
_ENTRIES = ["length", "location", "offset"]


@dataclass(frozen=True, slots=True)
class TensorSpan:
    """Where in a file of the folder a tensor's numbers stand."""

    location: str
    start: int
    stop: int


def check_graph(
    graph: Graph, source: str, sizes: Mapping[str, int], operators: Mapping[str, int] | None = None
) -> None:
    """Check that a graph consists of listed operators, and takes its weights from listed files, whole and in place.

    Args:
        graph: As read.
        source: Where it came from, for messages.
        sizes: The files that it may read, by name, with their size in bytes.
        operators: Domains of compiled operators that the manifest requires, and their versions; None for none.

    Raises:
        ArtifactError: It doesn't.
    """
    try:
        _check_nodes(graph)
        _check_tensors(graph, sizes)
        check_compiled(graph, operators or {})
    except ValueError as error:
        raise ArtifactError(f"{source} {error}: don't use this artifact") from error


def _check_nodes(graph: Graph) -> None:
    if len(graph.nodes) > MOST_NODES:
        raise ValueError(f"has {len(graph.nodes)} operators, expected {MOST_NODES} at most")
    domains = tuple(opset.domain for opset in graph.opsets)
    if len(set(domains)) < len(domains) or not DOMAINS.issuperset(domains):
        raise ValueError(f"imports operators of {short(domains)}, expected {sorted(DOMAINS)}, each once")
    for node in graph.nodes:
        known = OPERATORS.get((node.domain, node.kind))
        if known is None:
            raise ValueError(f"has the operator {_shown(node.domain, node.kind)}, which no export writes")
        if len(set(node.attributes)) < len(node.attributes) or not known.issuperset(node.attributes):
            raise ValueError(
                f"gives the operator {_shown(node.domain, node.kind)} the attributes {short(node.attributes)}, "
                f"expected {sorted(known)}, each once"
            )


def _check_tensors(graph: Graph, sizes: Mapping[str, int]) -> None:
    if len(graph.tensors) > MOST_TENSORS:
        raise ValueError(f"has {len(graph.tensors)} tensors, expected {MOST_TENSORS} at most")
    names = {tensor.name for tensor in graph.tensors}
    if len(names) < len(graph.tensors):
        raise ValueError(f"has {len(graph.tensors)} tensors of {len(names)} names")
    _check_overlap(place for tensor in graph.tensors if (place := _place(tensor, sizes)))


def _place(tensor: Tensor, sizes: Mapping[str, int]) -> TensorSpan | None:
    """Check a tensor's size, and return where it stands if not in the graph itself."""
    size = _bytes(tensor)
    if tensor.external is None:
        if tensor.raw_bytes != size and (size or tensor.raw_bytes):
            raise ValueError(f"has {tensor.raw_bytes or 0} bytes for the tensor {short(tensor.name)} of {size}")
        return None
    if tensor.raw_bytes is not None:
        raise ValueError(f"has the tensor {short(tensor.name)} in itself and in a file")
    place = _external_place(tensor.name, tensor.external, sizes)
    if place.stop - place.start != size:
        raise ValueError(
            f"takes {place.stop - place.start} bytes of {place.location} for the tensor {short(tensor.name)} of {size}"
        )
    return place


def _bytes(tensor: Tensor) -> int:
    if tensor.data_type not in _ELEMENT_BYTES:
        raise ValueError(
            f"has the tensor {short(tensor.name)} of ONNX's type {tensor.data_type}, which no export writes"
        )
    if len(tensor.dims) > MOST_DIMENSIONS or any(size > LARGEST_DIMENSION for size in tensor.dims):
        raise ValueError(f"has the tensor {short(tensor.name)} of shape {short(tensor.dims)}")
    return math.prod(tensor.dims) * _ELEMENT_BYTES[tensor.data_type]


def _external_place(name: str, external: External, sizes: Mapping[str, int]) -> TensorSpan:
    entries = dict(external.entries)
    location = entries.get("location", "")
    if location not in sizes:
        raise ValueError(f"takes weights from {short(location)}, which the manifest does not list")
    keys = sorted(key for key, _ in external.entries)
    if keys != _ENTRIES:
        raise ValueError(f"describes the place of the tensor {short(name)} by {short(keys)}, expected {_ENTRIES}")
    start, length = (_number(name, entries[key]) for key in ("offset", "length"))
    if start % ALIGNMENT:
        raise ValueError(
            f"has the tensor {short(name)} at byte {start} of {location}, expected a multiple of {ALIGNMENT}"
        )
    if start + length > sizes[location]:
        raise ValueError(
            f"has the tensor {short(name)} up to byte {start + length} of {location}, of {sizes[location]}"
        )
    return TensorSpan(location, start, start + length)


def _number(name: str, text: str) -> int:
    if not _NUMBER.fullmatch(text):
        raise ValueError(f"has the tensor {short(name)} at {short(text)}, expected a number of bytes")
    return int(text)


def _check_overlap(places: Iterable[TensorSpan]) -> None:
    ordered = sorted(set(places), key=lambda place: (place.location, place.start, place.stop))
    for first, second in pairwise(ordered):
        if first.location == second.location and second.start < first.stop:
            raise ValueError(f"has tensors that share bytes {second.start} to {first.stop} of {first.location}")


def _shown(domain: str, kind: str) -> str:
    return short(f"{domain}.{kind}" if domain else kind)
