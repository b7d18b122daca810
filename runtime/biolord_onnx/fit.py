"""Whether the parts of an artifact belong together: a tokenizer's ids and the length limit to the graph's tables."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from biolord_onnx.errors import ArtifactError
from biolord_onnx.manifest import Manifest
from biolord_onnx.onnx_file import Graph

if TYPE_CHECKING:
    from biolord_onnx.artifact import Artifact
    from biolord_onnx.tokenization import Tokenizer

# How the exporter calls the tables, and optimum.
_TOKEN_TABLES = ("tokens", "embeddings.word_embeddings.weight")
_POSITION_TABLES = ("positions", "embeddings.position_embeddings.weight")
_COUNTS_FROM_ZERO = frozenset({"bert"})


def check_limit(graph: Graph, manifest: Manifest, folder: Path) -> None:
    """Check that the longest text has a position for each token.

    Raises:
        ArtifactError: it hasn't.
    """
    first = 0 if manifest.architecture in _COUNTS_FROM_ZERO else manifest.pad_id + 1
    rows = _rows(graph, _POSITION_TABLES)
    if rows is not None and manifest.max_length.value > rows - first:
        raise ArtifactError(
            f"{folder}: max_length is {manifest.max_length.value}, the graph has positions for {rows - first} "
            "tokens: export the artifact again"
        )


def check_ids(artifact: Artifact, tokenizer: Tokenizer) -> None:
    """Check that every token has a vector, and that the special ones leave room for a text.

    Raises:
        ArtifactError: they don't.
    """
    limit = artifact.manifest.max_length.value
    # Without special tokens an empty text would have no tokens at all, hence no vector.
    if not 0 < tokenizer.special_count < limit:
        raise ArtifactError(
            f"{artifact.tokenizer_path} adds {tokenizer.special_count} special tokens to every text, "
            f"expected 1 or more and fewer than max_length, {limit}: export the artifact again"
        )
    highest = max(tokenizer.highest_id, artifact.manifest.pad_id)
    rows = _rows(artifact.graph, _TOKEN_TABLES)
    if rows is not None and highest >= rows:
        raise ArtifactError(
            f"{artifact.tokenizer_path} has ids up to {tokenizer.highest_id} and the manifest pads with "
            f"{artifact.manifest.pad_id}, the graph has {rows} tokens: export the artifact again"
        )


def _rows(graph: Graph, names: tuple[str, ...]) -> int | None:
    """Count the rows of a table, None where the graph has none of the names."""
    return next((tensor.dims[0] for tensor in graph.tensors if tensor.name in names and tensor.dims), None)
