"""Index names in DuckDB, one file, and find the nearest with SQL: python duckdb_names.py ARTIFACT NAMES.txt QUERY."""

from __future__ import annotations

import sys
from pathlib import Path

import duckdb
import pyarrow as pa

from biolord_onnx import Embedder


def main(artifact: str, names_file: str, query: str, database: str = ":memory:") -> None:
    """Print the five nearest names with their cosines."""
    names = Path(names_file).read_text("utf-8").splitlines()
    with Embedder.load(artifact) as embedder, duckdb.connect(database) as base:
        vectors = embedder.encode(names, normalize=True)
        column = pa.FixedSizeListArray.from_arrays(pa.array(vectors.reshape(-1)), embedder.dim)
        base.register("arrow_names", pa.table({"name": names, "vector": column}))
        kind = f"FLOAT[{embedder.dim}]"
        base.execute(f"CREATE OR REPLACE TABLE names AS SELECT name, vector::{kind} AS vector FROM arrow_names")
        nearest = f"""
            SELECT array_cosine_similarity(vector, ?::{kind}) AS cosine, name FROM names ORDER BY cosine DESC LIMIT 5
        """
        for cosine, name in base.execute(nearest, [embedder.encode(query, normalize=True).tolist()]).fetchall():
            print(f"{cosine:.3f}  {name}")


if __name__ == "__main__":
    main(*sys.argv[1:])
