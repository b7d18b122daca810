"""Put an index into usearch, a graph in a file that is mapped: python usearch_names.py INDEX QUERY."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from biolord_onnx import Embedder, Index
from biolord_onnx.index.artifact import find_artifact

BLOCK = 65_536


def main(folder: str, query: str) -> None:
    """Print the five nearest names with their cosines."""
    with Embedder.load(find_artifact(Path(folder))) as embedder:
        index = Index.open(folder, embedder=embedder)
        # Behind onnxruntime, which is loaded by now: usearch 2.26 before it ends the process with a segmentation fault.
        from usearch.index import Index as Graph

        graph = Graph(ndim=index.dim, metric="cos", dtype="f16")
        for start in range(0, index.rows, BLOCK):
            vectors = index.vectors(start, start + BLOCK)
            graph.add(np.arange(start, start + len(vectors)), vectors)
        for match in graph.search(embedder.encode(query, normalize=True), 5):
            (name,) = index.names(int(match.key), int(match.key) + 1)
            print(f"{1 - match.distance:.3f}  {name.code}  {name.name}")


if __name__ == "__main__":
    main(*sys.argv[1:])
