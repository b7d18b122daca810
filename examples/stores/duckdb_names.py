"""Put an index into DuckDB, one file, and find the nearest names with SQL: python duckdb_names.py INDEX QUERY."""

from __future__ import annotations

import sys
from pathlib import Path

import duckdb
import pyarrow as pa

from biolord_onnx import Embedder, Index
from biolord_onnx.index.artifact import find_artifact

BLOCK = 65_536


def main(folder: str, query: str, database: str = ":memory:") -> None:
    """Print the five nearest names with their cosines."""
    with Embedder.load(find_artifact(Path(folder))) as embedder, duckdb.connect(database) as base:
        index = Index.open(folder, embedder=embedder)
        kind = f"FLOAT[{index.dim}]"
        base.execute(f"CREATE OR REPLACE TABLE names (code VARCHAR, name VARCHAR, vector {kind})")
        for start in range(0, index.rows, BLOCK):
            names = list(index.names(start, start + BLOCK))
            vectors = index.vectors(start, start + BLOCK)
            columns = {
                "code": pa.array([name.code for name in names], pa.string()),
                "name": pa.array([name.name for name in names]),
                "vector": pa.FixedSizeListArray.from_arrays(pa.array(vectors.reshape(-1)), index.dim),
            }
            base.register("block", pa.table(columns))
            base.execute(f"INSERT INTO names SELECT code, name, vector::{kind} FROM block")
        nearest = f"""
            SELECT array_cosine_similarity(vector, ?::{kind}) AS cosine, code, name
            FROM names ORDER BY cosine DESC LIMIT 5
        """
        vector = embedder.encode(query, normalize=True)
        for cosine, code, name in base.execute(nearest, [vector.tolist()]).fetchall():
            print(f"{cosine:.3f}  {code}  {name}")


if __name__ == "__main__":
    main(*sys.argv[1:])
