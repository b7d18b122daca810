"""Search a large index, beside other exact searches of the same vectors.

    biolord embed ARTIFACT --input names.txt --output names.npy
    python tests/real/large_index.py ARTIFACT names.npy [--rows 1000000] [--python peers/bin/python]

Some of the vectors become queries. The others are the first rows; where more are asked for, they come again, turned
by random orthogonal matrices, so that they lie among each other as real ones do. Each search has a process of its own
and two threads; the peers (numpy, faiss-cpu, usearch) may be installed for another interpreter.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
QUERIES, TOP, THREADS, SEED = 2000, 10, 2, 0
BLOCK, BATCH = 16_384, 64
SINGLES, BATCHES = 25, 7
OURS = {"biolord": "two", "biolord --rescore none": "one"}
PEERS = ("numpy float32", "faiss IndexFlatIP", "faiss IndexScalarQuantizer", "usearch exact i8")
Search = Callable[[Vectors], object]


def write_vectors(source: Path, folder: Path, rows: int) -> None:
    """Write the queries and the rows."""
    given: Vectors = np.load(source, mmap_mode="r")
    random = np.random.default_rng(SEED)
    order = random.permutation(len(given))
    np.save(folder / "queries.npy", given[np.sort(order[:QUERIES])])
    real = given[np.sort(order[QUERIES:])]
    out = np.lib.format.open_memmap(folder / "rows.npy", "w+", np.float32, (rows, real.shape[1]))
    for start in range(0, rows, len(real)):
        turn = np.linalg.qr(random.normal(size=2 * real.shape[1:]))[0].astype(np.float32) if start else None
        for at in range(start, min(start + len(real), rows), BLOCK):
            some = real[at - start : min(at - start + BLOCK, rows - start)]
            turned = some if turn is None else some @ turn
            out[at : at + len(some)] = turned / np.linalg.norm(turned, axis=1, keepdims=True)
    out.flush()


def build(artifact: str, folder: Path) -> None:
    """Build an index with the low bits and one without."""
    from biolord_onnx import Embedder, Index
    from biolord_onnx.index.building.options import BuildOptions
    from biolord_onnx.index.building.vocabulary import Name

    rows: Vectors = np.load(folder / "rows.npy", mmap_mode="r")
    with Embedder.load(artifact) as embedder:
        for path in OURS.values():
            names = (Name(f"name {row}", f"{row // 2:07}", vector=vector) for row, vector in enumerate(rows))
            manifest = Index.build(embedder, names, folder / path, BuildOptions(rescore=path == "two")).manifest
            size = sum(file.size for file in manifest.files) / 1e9
            _say(f"{path}: {size:.2f} GB, overlap {manifest.recall.overlap:.4f} of {manifest.recall.queries} queries")


def exact(rows: Vectors, queries: Vectors) -> NDArray[np.int64]:
    """Return the nearest rows of all queries, [queries, TOP], by a scan in float32."""
    best = np.full((len(queries), TOP), -2, np.float32)
    places = np.zeros(best.shape, np.int64)
    for start in range(0, len(rows), BLOCK):
        scores = queries @ rows[start : start + BLOCK].T
        here = np.broadcast_to(np.arange(start, start + scores.shape[1]), scores.shape)
        best, places = np.concatenate([best, scores], axis=1), np.concatenate([places, here], axis=1)
        order = np.argsort(-best, axis=1, kind="stable")[:, :TOP]
        best, places = np.take_along_axis(best, order, 1), np.take_along_axis(places, order, 1)
    return places


def compare(folder: Path) -> None:
    """Print how many answers have the vectors of the exact scan, and how near the others come in exact cosines."""
    from biolord_onnx import Index

    rows: Vectors = np.load(folder / "rows.npy", mmap_mode="r")
    queries = np.load(folder / "queries.npy")
    seen: dict[bytes, int] = {}
    first = np.array([seen.setdefault(row.tobytes(), at) for at, row in enumerate(rows)])  # some names are one text
    expected = first[exact(rows, queries)]
    for name, path in OURS.items():
        found = Index.open(folder / path, threads=THREADS).search(queries, top=TOP, all_names=True)
        mine = first[[[hit.row for hit in hits] for hits in found]]
        shared, off = np.zeros(len(queries)), 0.0
        for at, (some, true) in enumerate(zip(mine.tolist(), expected.tolist(), strict=True)):
            shared[at] = (Counter(some) & Counter(true)).total()
            if shared[at] < TOP:
                off = max(off, _lost(rows, queries[at], true) - _lost(rows, queries[at], some))
        _say(
            f"{name}: the same {TOP} for {(shared == TOP).mean():.2%} of {len(queries)} queries, overlap "
            f"{shared.mean() / TOP:.4f}; where they differ, the worst is at most {off:.1e} farther in exact cosines"
        )


def _lost(rows: Vectors, query: Vectors, chosen: list[int]) -> float:
    return float((rows[chosen].astype(np.float64) @ query.astype(np.float64)).min())


def searcher(which: str, folder: Path) -> Search:
    """Return what searches for queries, [n, dim]."""
    if which in OURS:
        from biolord_onnx import Index

        return Index.open(folder / OURS[which], threads=THREADS).search
    rows: Vectors = np.load(folder / "rows.npy", mmap_mode="r")
    if which == "numpy float32":
        return lambda queries: np.argpartition(-(rows @ queries.T), TOP, axis=0)[:TOP]
    if which == "usearch exact i8":
        return _usearch(rows)
    return _faiss(which, rows)


def _faiss(which: str, rows: Vectors) -> Search:
    import faiss

    faiss.omp_set_num_threads(THREADS)
    kind = faiss.ScalarQuantizer.QT_8bit
    index = (
        faiss.IndexFlatIP(rows.shape[1])
        if which == "faiss IndexFlatIP"
        else faiss.IndexScalarQuantizer(rows.shape[1], kind, faiss.METRIC_INNER_PRODUCT)
    )
    index.train(rows[:BLOCK])
    for some in _blocks(rows):
        index.add(some)
    return lambda queries: index.search(queries, TOP)


def _usearch(rows: Vectors) -> Search:
    from usearch.index import MetricKind, search

    def whole(some: Vectors) -> NDArray[np.int8]:
        scaled: Vectors = some * (127 / np.abs(some).max(axis=1, keepdims=True))
        return np.rint(scaled).astype(np.int8)

    stored = np.concatenate([whole(some) for some in _blocks(rows)])
    return lambda queries: search(stored, whole(queries), TOP, MetricKind.Cos, exact=True, threads=THREADS)


def _blocks(rows: Vectors) -> Iterator[Vectors]:
    return (np.ascontiguousarray(rows[start : start + BLOCK]) for start in range(0, len(rows), BLOCK))


def measure(which: str, folder: Path) -> None:
    """Print medians of single queries and of batches, and the memory that is this process's own."""
    queries = np.load(folder / "queries.npy")
    search = searcher(which, folder)
    search(queries[:BATCH])
    single = [_milliseconds(search, queries[at : at + 1]) for at in range(SINGLES)]
    batch = [_milliseconds(search, queries[BATCH * at : BATCH * (at + 1)]) / BATCH for at in range(BATCHES)]
    _say(
        f"{which}: one query {np.median(single):.1f} ms (best {min(single):.1f}), of {BATCH} at once "
        f"{np.median(batch):.2f} ms each (best {min(batch):.2f}), own memory {_own_mb():.0f} MB"
    )


def _milliseconds(search: Search, queries: Vectors) -> float:
    began = time.perf_counter()
    search(queries)
    return 1000 * (time.perf_counter() - began)


def _own_mb() -> float:
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) * 1024 / 1e6 for line in lines if line.startswith("RssAnon"))


def start(folder: Path) -> None:
    """Print how long the command line takes to its first answer."""
    command = [sys.executable, "-m", "biolord_onnx.cli.main", "search", str(folder / "two"), "heart attack"]
    seconds = []
    for _ in range(5):
        began = time.perf_counter()
        subprocess.run([*command, "--top", "1"], check=True, stdout=subprocess.DEVNULL)
        seconds.append(time.perf_counter() - began)
    _say(f"biolord search, from its start to its end: median {np.median(seconds):.2f} s")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main(given: Sequence[str] | None = None) -> int:
    """Build, compare, and measure each search in a process of its own."""
    parser = argparse.ArgumentParser(prog="python tests/real/large_index.py", description="search a large index")
    parser.add_argument("artifact")
    parser.add_argument("vectors", type=Path)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--python", default=sys.executable, help="that has the peers")
    parser.add_argument("--peers", default=",".join(PEERS))
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    asked = parser.parse_args(given)
    if asked.measure:
        measure(asked.measure, asked.vectors)
        return 0
    with tempfile.TemporaryDirectory(dir=asked.vectors.resolve().parent) as made:
        folder = Path(made)
        write_vectors(asked.vectors, folder, asked.rows)
        build(asked.artifact, folder)
        compare(folder)
        start(folder)
        peers = filter(None, asked.peers.split(","))
        for which in (*OURS, *peers):
            python = sys.executable if which in OURS else asked.python
            subprocess.run([python, __file__, "-", str(folder), "--measure", which], check=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
