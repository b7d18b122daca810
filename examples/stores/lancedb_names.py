"""Index names in LanceDB, a folder of files, and find the nearest: python lancedb_names.py ARTIFACT NAMES.txt QUERY."""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import lancedb
import pyarrow as pa

from biolord_onnx import Embedder


def main(artifact: str, names_file: str, query: str) -> None:
    """Print the five nearest names with their cosines."""
    names = Path(names_file).read_text("utf-8").splitlines()
    with Embedder.load(artifact) as embedder, TemporaryDirectory() as folder:
        vectors = embedder.encode(names, normalize=True)
        column = pa.FixedSizeListArray.from_arrays(pa.array(vectors.reshape(-1)), embedder.dim)
        table = lancedb.connect(folder).create_table("names", pa.table({"name": names, "vector": column}))
        search = table.search(embedder.encode(query, normalize=True)).distance_type("cosine")
        for found in search.limit(5).to_list():
            print(f"{1 - found['_distance']:.3f}  {found['name']}")


if __name__ == "__main__":
    main(*sys.argv[1:])
