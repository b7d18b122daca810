"""Put an index into LanceDB, a folder of files, and find the nearest names: python lancedb_names.py INDEX QUERY."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import lancedb
import pyarrow as pa

from biolord_onnx import Embedder, Index
from biolord_onnx.index.artifact import find_artifact

BLOCK = 65_536


def blocks(index: Index, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """Yield codes, names and vectors, some thousands at a time."""
    for start in range(0, index.rows, BLOCK):
        names = list(index.names(start, start + BLOCK))
        vectors = pa.array(index.vectors(start, start + BLOCK).reshape(-1))
        columns = [
            pa.array([name.code for name in names], pa.string()),
            pa.array([name.name for name in names]),
            pa.FixedSizeListArray.from_arrays(vectors, index.dim),
        ]
        yield pa.record_batch(columns, schema=schema)


def main(folder: str, query: str) -> None:
    """Print the five nearest names with their cosines."""
    with Embedder.load(find_artifact(Path(folder))) as embedder, TemporaryDirectory() as database:
        index = Index.open(folder, embedder=embedder)
        vector = pa.list_(pa.float32(), index.dim)
        schema = pa.schema([("code", pa.string()), ("name", pa.string()), ("vector", vector)])
        table = lancedb.connect(database).create_table("names", blocks(index, schema), schema)
        search = table.search(embedder.encode(query, normalize=True)).distance_type("cosine")
        for found in search.limit(5).to_list():
            print(f"{1 - found['_distance']:.3f}  {found['code']}  {found['name']}")


if __name__ == "__main__":
    main(*sys.argv[1:])
