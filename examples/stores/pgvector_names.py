"""Put an index into PostgreSQL with pgvector: python pgvector_names.py INDEX QUERY CONNECTION."""

from __future__ import annotations

import sys
from pathlib import Path

import psycopg
from pgvector.psycopg import register_vector

from biolord_onnx import Embedder, Index
from biolord_onnx.index.artifact import find_artifact

BLOCK = 65_536


def main(folder: str, query: str, connection: str) -> None:
    """Print the five nearest names with their cosines."""
    with Embedder.load(find_artifact(Path(folder))) as embedder, psycopg.connect(connection) as base:
        index = Index.open(folder, embedder=embedder)
        base.execute("CREATE EXTENSION IF NOT EXISTS vector")
        register_vector(base)
        base.execute("DROP TABLE IF EXISTS names")
        base.execute(f"CREATE TABLE names (code text, name text, vector vector({index.dim}))")
        with base.cursor().copy("COPY names (code, name, vector) FROM STDIN WITH (FORMAT BINARY)") as copy:
            copy.set_types(["text", "text", "vector"])
            for start in range(0, index.rows, BLOCK):
                vectors = index.vectors(start, start + BLOCK)
                for name, vector in zip(index.names(start, start + BLOCK), vectors, strict=True):
                    copy.write_row((name.code, name.name, vector))
        # An index pays from some 100,000 rows on: CREATE INDEX ON names USING hnsw (vector vector_cosine_ops).
        nearest = "SELECT 1 - (vector <=> %s), code, name FROM names ORDER BY vector <=> %s LIMIT 5"
        vector = embedder.encode(query, normalize=True)
        for cosine, code, name in base.execute(nearest, (vector, vector)).fetchall():
            print(f"{cosine:.3f}  {code}  {name}")


if __name__ == "__main__":
    main(*sys.argv[1:])
