"""Put an index into faiss, for approximate search in many millions of names: python faiss_names.py INDEX QUERY."""

from __future__ import annotations

import sys
from pathlib import Path

import faiss

from biolord_onnx import Embedder, Index
from biolord_onnx.index.artifact import find_artifact

BLOCK = 65_536
# A graph over 8-bit vectors: a quarter of the memory of float32. FAISS's wiki tells which index suits how many rows.
KIND = "HNSW32,SQ8"


def main(folder: str, query: str, kind: str = KIND) -> None:
    """Print the five nearest names with their cosines."""
    with Embedder.load(find_artifact(Path(folder))) as embedder:
        index = Index.open(folder, embedder=embedder)
        # Vectors have length 1: their inner product is the cosine.
        there = faiss.index_factory(index.dim, kind, faiss.METRIC_INNER_PRODUCT)
        there.train(index.vectors(0, BLOCK))
        for start in range(0, index.rows, BLOCK):
            there.add(index.vectors(start, start + BLOCK))
        cosines, rows = there.search(embedder.encode([query], normalize=True), 5)
        for cosine, row in zip(cosines[0], rows[0].tolist(), strict=True):
            (name,) = index.names(row, row + 1)
            print(f"{cosine:.3f}  {name.code}  {name.name}")


if __name__ == "__main__":
    main(*sys.argv[1:])
