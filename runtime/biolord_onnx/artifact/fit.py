"""Whether the parts of an artifact belong together: a tokenizer's ids and the length limit to the graph's tables."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from biolord_onnx.artifact.manifest import Manifest
from biolord_onnx.errors import ArtifactError
from biolord_onnx.graph.compiled_operators import (
    COMPILED,
    DOMAIN,
    EMBEDS,
    LONGEST,
    LONGEST_ROTARY,
    POSITION_BIAS,
    POSITIONS,
    PROJECTED,
    TABLE,
    TURNS,
)
from biolord_onnx.graph.file import Graph, Node

if TYPE_CHECKING:
    from biolord_onnx.artifact.folder import Artifact
    from biolord_onnx.artifact.pairing import PairFrame
    from biolord_onnx.tokenizer.tokenizer import Tokenizer

# How the exporter calls the tables of stock operators, and optimum.
_TOKEN_TABLES = ("tokens", "embeddings.word_embeddings.weight", "embeddings.tok_embeddings.weight")
_POSITION_TABLES = ("positions", "embeddings.position_embeddings.weight", "rotary/cosines")
# Operators behind the pooling that yield vectors of another length.
_OTHER_WIDTHS = frozenset({"Concat", "Dense", "Slice"})
_COUNTS_FROM_ZERO = frozenset({"bert", "distilbert", "electra", "modernbert"})


def check_tables(graph: Graph, manifest: Manifest, folder: Path) -> None:
    """Check that the longest text has a position for each token, and that vectors are as long as the manifest says.

    Raises:
        ArtifactError: It hasn't, or they aren't.
    """
    _check_width(graph, manifest, folder)
    _check_limit(graph, manifest, folder)


def _check_width(graph: Graph, manifest: Manifest, folder: Path) -> None:
    """Nobody infers the shapes of compiled operators: they pass on the width that they are given.

    What stands behind the pooling may change it; such a graph's vectors are looked at as they come.
    """
    if not _OTHER_WIDTHS.isdisjoint(node.kind for node in graph.nodes):
        return
    shapes = _shapes(graph)
    projections = [shapes[node.inputs[PROJECTED]] for node in _compiled(graph, "Project")]
    tables = [shapes[_constant(node, TABLE)] for node in _compiled(graph, *EMBEDS)]
    for width in map(_last, projections or tables):
        if width != manifest.dim:
            raise ArtifactError(
                f"{folder}: dim is {manifest.dim}, the graph's tokens have {width} numbers: export the artifact again"
            )


def _check_limit(graph: Graph, manifest: Manifest, folder: Path) -> None:
    room = _compiled_room(graph)
    if room is None:
        first = 0 if manifest.architecture in _COUNTS_FROM_ZERO else manifest.pad_id + 1
        rows = _rows(graph, _POSITION_TABLES)
        room = None if rows is None else rows - first
    if room is not None and manifest.max_length.value > room:
        raise ArtifactError(
            f"{folder}: max_length is {manifest.max_length.value}, the graph has positions for {room} "
            "tokens: export the artifact again"
        )


def check_ids(artifact: Artifact, tokenizer: Tokenizer) -> None:
    """Check that every token has a vector, and that the special ones leave room for a text.

    Raises:
        ArtifactError: They don't.
    """
    limit = artifact.manifest.max_length.value
    # Without special tokens an empty text would have no tokens at all, hence no vector.
    if not 0 < tokenizer.special_count < limit:
        raise ArtifactError(
            f"{artifact.tokenizer_path} adds {tokenizer.special_count} special tokens to every text, "
            f"expected 1 or more and fewer than max_length, {limit}: export the artifact again"
        )
    highest = max(tokenizer.highest_id, artifact.manifest.pad_id)
    rows = _token_rows(artifact.graph)
    if rows is not None and highest >= rows:
        raise ArtifactError(
            f"{artifact.tokenizer_path} has ids up to {tokenizer.highest_id} and the manifest pads with "
            f"{artifact.manifest.pad_id}, the graph has {rows} tokens: export the artifact again"
        )


def check_pair_ids(artifact: Artifact, frame: PairFrame) -> None:
    """Check that the special tokens around a pair have vectors, and leave room for two texts.

    Raises:
        ArtifactError: They don't.
    """
    limit, rows = artifact.manifest.max_length.value, _token_rows(artifact.graph)
    if not 0 < frame.special_count < limit:
        raise ArtifactError(
            f"{artifact.path}: {frame.special_count} special tokens stand around a pair, expected 1 or more "
            f"and fewer than max_length, {limit}: export the artifact again"
        )
    if rows is not None and frame.highest_id >= rows:
        raise ArtifactError(
            f"{artifact.path}: pairs have the special id {frame.highest_id}, the graph has {rows} tokens: export "
            "the artifact again"
        )


def _token_rows(graph: Graph) -> int | None:
    embeds = _compiled(graph, *EMBEDS)
    shapes = _shapes(graph)
    if embeds:
        return min(_first(shapes[_constant(node, TABLE)]) for node in embeds)
    return _rows(graph, _TOKEN_TABLES)


def _compiled_room(graph: Graph) -> int | None:
    """Count the tokens of the longest text that compiled operators take; None where the graph has none."""
    shapes = _shapes(graph)
    turned = [_first(shapes[node.inputs[TURNS]]) for node in _compiled(graph, "RotaryAttention")]
    if turned:
        return min(LONGEST_ROTARY, *turned)
    rooms = [
        _first(shapes[_constant(node, POSITIONS)]) - dict(node.integers).get("first_position", 0)
        for node in _compiled(graph, "Embed", "EmbedPairs")
    ]
    if not rooms:
        return None
    biases = [node.inputs[POSITION_BIAS] for node in _compiled(graph, "Attention") if len(node.inputs) > POSITION_BIAS]
    # Column P - 1 is the distance 0, and as many stand on either side.
    return min(LONGEST, *rooms, *((_last(shapes[bias]) + 1) // 2 for bias in biases if bias))


def _compiled(graph: Graph, *kinds: str) -> list[Node]:
    return [node for node in graph.nodes if node.domain == DOMAIN and node.kind in kinds]


def _constant(node: Node, place: int) -> str:
    """Name one of a compiled operator's constants, which come behind the values that it computes with."""
    return node.inputs[COMPILED[node.kind].values + place]


def _shapes(graph: Graph) -> dict[str, tuple[int, ...]]:
    return {tensor.name: tensor.dims for tensor in graph.tensors}


def _first(shape: tuple[int, ...]) -> int:
    return shape[0] if shape else 0


def _last(shape: tuple[int, ...]) -> int:
    return shape[-1] if shape else 0


def _rows(graph: Graph, names: tuple[str, ...]) -> int | None:
    """Count the rows of a table, None where the graph has none of the names."""
    return next((tensor.dims[0] for tensor in graph.tensors if tensor.name in names and tensor.dims), None)
