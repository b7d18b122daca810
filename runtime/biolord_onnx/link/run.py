"""A run that links a file: terms become vectors, vectors rows of the index, and these the file that was asked for.

What is gathered on the way, and survives a process that is killed, are the rows and scores of each term's candidates.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from typing import BinaryIO

from biolord_onnx.bulk.gathering import BulkOptions, BulkResult, Task, gather
from biolord_onnx.bulk.journal import Identity
from biolord_onnx.bulk.parts import Part, cut
from biolord_onnx.bulk.run import encode_parts, run_identity
from biolord_onnx.bulk.source import Source
from biolord_onnx.bulk.workers.work import Encoded
from biolord_onnx.embedder import Embedder
from biolord_onnx.encode_options import EncodeOptions
from biolord_onnx.encoding.precision import Vectors
from biolord_onnx.encoding.progress import progress_bar
from biolord_onnx.encoding.texts import singles_and_pairs
from biolord_onnx.index.index import Index
from biolord_onnx.link.found import nothing, pack, unpack
from biolord_onnx.link.plan import Candidates, Plan
from biolord_onnx.loading import LoadOptions

# Terms between two notes in the journal, and between two writes to a pipe: some seconds of work.
PART_TERMS = 2048


def link_to_file(
    source: Source,
    output: str,
    index: Index,
    embedder: Embedder,
    *,
    session: LoadOptions,
    plan: Plan,
    bulk: BulkOptions,
) -> BulkResult:
    """Link the terms of a file, going on where an interrupted run of the same terms stopped.

    Args:
        source: The terms.
        output: Path of the file.
        index: In which candidates are looked for.
        embedder: Of its artifact; closed if others encode.
        session: How further processes load the artifact.
        plan: What becomes of the candidates.
        bulk: How to go about it.

    Raises:
        InputError: The interrupted run was of other terms, another index or other options, another process writes the
            output, or the terms have changed.
        BiolordError: A worker process was killed.
        OSError: The disk is full or failed. What is done is kept.
    """
    encoding = EncodeOptions(normalize=True, batch_tokens=plan.wanted.batch_tokens)
    known = run_identity(source, embedder, encoding).fields

    def compute(parts: Iterator[Part]) -> Encoded:
        return _searched(encode_parts(parts, session, embedder, encoding, bulk.workers), index, plan)

    def write(stream: BinaryIO, found: Vectors) -> None:
        plan.write(stream, _candidates(source, found, index))

    identity = Identity((*known, ("index", f"one with SHA-256 {index.fingerprint[:16]}"), *plan.wanted.identity()))
    task = Task(source, output, identity, nothing(plan.wanted.depth), compute, write, source.json_bytes)
    return gather(task, bulk)


def link_to_stream(
    source: Source, stream: BinaryIO, index: Index, embedder: Embedder, *, plan: Plan, progress: bool
) -> int:
    """Link terms and write them as soon as some are done.

    Returns:
        How many terms were cut.

    Raises:
        InputError: The terms have changed.
        OSError: The stream is closed.
    """
    cuts: list[int] = []
    with progress_bar(source.count, shown=progress) as advance:

        def candidates() -> Candidates:
            encoding = EncodeOptions(normalize=True, batch_tokens=plan.wanted.batch_tokens)
            for rows in cut(source.rows(), PART_TERMS):
                info = encoding.encode(embedder, texts := [row.text for row in rows])
                cuts.append(int(info.truncated.sum()))
                yield from zip(rows, plan.wanted.search(index, texts, info.vectors), strict=True)
                advance(len(rows))

        plan.write(stream, candidates())
    return sum(cuts)


def _searched(encoded: Encoded, index: Index, plan: Plan) -> Encoded:
    """Put candidates in the place of vectors."""
    with closing(encoded):
        for part, info in encoded:
            terms, _ = singles_and_pairs(part.texts)
            hits = plan.wanted.search(index, [*terms], info.vectors)
            yield part, replace(info, vectors=pack(hits, plan.wanted.depth))


def _candidates(source: Source, found: Vectors, index: Index) -> Candidates:
    for row, numbers in zip(source.rows(), found, strict=True):
        yield row, unpack(numbers, index, row.text)
