"""Whether an artifact's files hold what they should, beyond their hashes, found out without a session."""

from __future__ import annotations

from biolord_onnx.artifact.fit import check_pair_ids
from biolord_onnx.artifact.folder import Artifact
from biolord_onnx.artifact.ranges import RANGES_NAME, read_ranges
from biolord_onnx.encoding.model import load_tokenizer
from biolord_onnx.session.session import OUTPUTS


def check_contents(artifact: Artifact) -> None:
    """Read what ``embed`` would read of an opened artifact, which looked at the graph already.

    Raises:
        ArtifactError: The tokenizer, the table of its pieces or the ranges are damaged, or don't fit the graph.
    """
    load_tokenizer(artifact)
    if artifact.manifest.reranking:
        check_pair_ids(artifact, artifact.manifest.reranking)
    if artifact.manifest.file(RANGES_NAME):
        for output in OUTPUTS:
            read_ranges(artifact.path / RANGES_NAME, output, artifact.manifest.dim)
