"""Index names in PostgreSQL with pgvector: python pgvector_names.py ARTIFACT NAMES.txt QUERY CONNECTION."""

from __future__ import annotations

import sys
from pathlib import Path

import psycopg
from pgvector.psycopg import register_vector

from biolord_onnx import Embedder


def main(artifact: str, names_file: str, query: str, connection: str) -> None:
    """Print the five nearest names with their cosines."""
    names = Path(names_file).read_text("utf-8").splitlines()
    with Embedder.load(artifact) as embedder, psycopg.connect(connection) as base:
        base.execute("CREATE EXTENSION IF NOT EXISTS vector")
        register_vector(base)
        base.execute("DROP TABLE IF EXISTS names")
        base.execute(f"CREATE TABLE names (name text, vector vector({embedder.dim}))")
        vectors = embedder.encode(names, normalize=True)
        with base.cursor().copy("COPY names (name, vector) FROM STDIN WITH (FORMAT BINARY)") as copy:
            copy.set_types(["text", "vector"])
            for name, vector in zip(names, vectors, strict=True):
                copy.write_row((name, vector))
        # An index pays from some 100,000 rows on: CREATE INDEX ON names USING hnsw (vector vector_cosine_ops).
        nearest = "SELECT 1 - (vector <=> %s), name FROM names ORDER BY vector <=> %s LIMIT 5"
        vector = embedder.encode(query, normalize=True)
        for cosine, name in base.execute(nearest, (vector, vector)).fetchall():
            print(f"{cosine:.3f}  {name}")


if __name__ == "__main__":
    main(*sys.argv[1:])
