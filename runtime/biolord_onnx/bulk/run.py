"""Bulk runs: files of rows become files of vectors."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from biolord_onnx.bulk.formats import find_format, write_lines_to_stdout
from biolord_onnx.bulk.gathering import BulkOptions, BulkResult, Task, gather
from biolord_onnx.bulk.journal import Identity
from biolord_onnx.bulk.parts import Part, cut
from biolord_onnx.bulk.source import Source
from biolord_onnx.bulk.workers.work import Encoded, encode_here
from biolord_onnx.embedder import Embedder
from biolord_onnx.encode_options import EncodeOptions
from biolord_onnx.encoding.progress import progress_bar
from biolord_onnx.errors import InputError
from biolord_onnx.loading import LoadOptions
from biolord_onnx.session.engine import import_onnxruntime


def embed_to_stdout(source: Source, embedder: Embedder, options: EncodeOptions, *, progress: bool) -> int:
    """Encode rows and print a line of JSON each, as soon as some thousands are done.

    Returns:
        How many rows hold a text that was cut.

    Raises:
        InputError: A text is longer than ``overflow="error"`` allows, or the rows have changed.
    """
    options = _refuse_overflow(source, embedder, options)
    truncated = 0
    with progress_bar(source.count, shown=progress) as advance:
        for some in cut(source.rows()):
            info = options.encode(embedder, [row.content for row in some])
            write_lines_to_stdout(some, info.vectors)
            truncated += int(info.truncated.sum())
            advance(len(some))
    return truncated


def embed_to_file(
    source: Source,
    output: str,
    session: LoadOptions,
    embedder: Embedder,
    *,
    options: EncodeOptions,
    bulk: BulkOptions,
) -> BulkResult:
    """Encode rows into a file, going on where an interrupted run of the same rows stopped.

    Args:
        source: The rows.
        output: A path that `biolord_onnx.bulk.formats.check_output` let pass.
        session: How further processes load the artifact.
        embedder: Has loaded it in this one; closed if others encode.
        options: How to encode.
        bulk: How to go about it.

    Raises:
        InputError: The interrupted run was of other rows or options or is damaged, another process writes the output,
            there is too little room on the disk, the rows have changed, or a text is longer than ``overflow="error"``
            allows.
        BiolordError: A worker process was killed.
        OSError: The disk is full or failed. What is done is kept.
    """
    options = _refuse_overflow(source, embedder, options)
    nothing = options.encode(embedder, []).vectors
    form = find_format(Path(output))
    write = form.write
    task = Task(
        source,
        output,
        run_identity(source, embedder, options),
        nothing,
        lambda parts: encode_parts(parts, session, embedder, options, bulk.workers),
        None if write is None else lambda stream, vectors: write(stream, source, vectors),
        form.room(source, nothing.shape[1], nothing.dtype),
        bulk.advice,
    )
    return gather(task, bulk)


def encode_parts(
    parts: Iterator[Part], session: LoadOptions, embedder: Embedder, options: EncodeOptions, workers: int
) -> Encoded:
    """Encode parts, in this process or in others.

    Args:
        parts: Drawn as they are encoded.
        session: How further processes load the artifact.
        embedder: Has loaded it in this one; closed if others encode.
        options: How to encode.
        workers: Processes; 1 for this one.
    """
    if workers == 1:
        return encode_here(parts, embedder, options)
    from biolord_onnx.bulk.workers.processes import encode_in_processes

    embedder.close()
    return encode_in_processes(parts, session, options, workers)


def _refuse_overflow(source: Source, embedder: Embedder, options: EncodeOptions) -> EncodeOptions:
    """Count all tokens before anything is computed where long texts are errors; nothing is cut afterward."""
    if options.overflow != "error":
        return options
    limit, longer, first = embedder.max_length, 0, ""
    start = 0
    for rows in cut(source.rows()):
        texts = [row.content for row in rows]
        found = embedder.count_tokens(texts, prompt=options.prompt, prompt_name=options.prompt_name)
        counts = np.atleast_1d(found)
        for row, count in enumerate(counts.tolist(), start=start):
            if count > limit:
                longer += 1
                first = first or f"texts[{row}] has {count} tokens, the limit is {limit}"
        start += len(rows)
    if longer:
        raise InputError(
            f"{first} ({longer} of {source.count} texts are longer): shorten them, or choose overflow 'truncate' or "
            "'window'"
        )
    return replace(options, overflow="truncate")


def run_identity(source: Source, embedder: Embedder, options: EncodeOptions) -> Identity:
    """Return what must be the same for a run to go on, or for its vectors to be those of another one."""
    manifest = embedder.manifest
    files = hashlib.sha256("".join(f"{file.name} {file.sha256}\n" for file in manifest.files).encode()).hexdigest()
    return Identity(
        (
            ("input", f"{source.count} rows with SHA-256 {source.digest[:16]}"),
            ("artifact", f"{manifest.name} with SHA-256 {files[:16]}"),
            ("provider", embedder.provider),
            ("onnxruntime", import_onnxruntime().__version__),
            ("--normalize", str(options.normalize)),
            ("--overflow", options.overflow),
            ("--precision", options.precision),
            ("--truncate-dim", str(options.truncate_dim)),
            ("prompt", manifest.prompts.choose(options.prompt, options.prompt_name)),
        )
    )
