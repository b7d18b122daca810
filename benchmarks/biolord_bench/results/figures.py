"""The figures of one row, as they stand in its JSON.

Times are milliseconds, memory is MB of 10^6 bytes; None is a figure that wasn't measured.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

Count = Annotated[int, msgspec.Meta(ge=1)]
Measure = Annotated[float, msgspec.Meta(ge=0)]
Cosine = float
"""Of a destroyed model it may be negative."""


class Figure(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A group of figures; immutable, and read strictly."""


class Start(Figure, frozen=True):
    """From nothing to a vector, medians over processes.

    Attributes:
        load_ms: Checking and loading the model.
        first_vector_ms: Encoding the first query.
        process_ms: From starting the process to the first vector.
    """

    import_ms: Measure | None
    load_ms: Measure | None
    first_vector_ms: Measure | None
    process_ms: Measure | None


class Latency(Figure, frozen=True):
    """Percentiles of the times of single texts."""

    p50_ms: Measure
    p95_ms: Measure
    p99_ms: Measure


class Query(Figure, frozen=True):
    """One text a call.

    Attributes:
        texts: How many in a repeat, in the shortest one.
        repeats_p50_ms: The median of each repeat.
    """

    texts: Count
    p50_ms: Measure
    p95_ms: Measure
    p99_ms: Measure
    repeats_p50_ms: tuple[Measure, ...]


class Bulk(Figure, frozen=True):
    """Many texts.

    Attributes:
        texts: How many were encoded in a repeat; a slow tool gets through a part of them.
        texts_per_s: Median over repeats.
        tokens_per_s: The same in tokens, special ones included, after the cut.
        cpu_s_per_1000: Seconds of CPU time, of all cores together, for 1,000 texts.
        repeats_texts_per_s: Texts per second of each repeat.
    """

    workload: str
    texts: Count
    texts_per_s: Measure
    tokens_per_s: Measure
    cpu_s_per_1000: Measure | None
    repeats_texts_per_s: tuple[Measure, ...]


class Memory(Figure, frozen=True):
    """Memory of the process.

    Attributes:
        after_queries_mb: Resident after 40 queries.
        private_mb: The part of it that no other process has.
        shared_mb: The rest of it, such as weights mapped from the file.
        peak_mb: The most that was resident in the whole run.
    """

    after_queries_mb: Measure | None
    private_mb: Measure | None
    shared_mb: Measure | None
    peak_mb: Measure | None


class Stages(Figure, frozen=True):
    """Where the time of one bulk run goes, of names and sentences.

    Attributes:
        other_ms: The rest: batching, copying, Python.
    """

    tokenize_ms: Measure
    run_ms: Measure
    other_ms: Measure


class Cell(Figure, frozen=True):
    """One run of the graph: ``batch`` texts of ``length`` tokens each."""

    batch: Count
    length: Count
    ms: Measure
    tokens_per_s: Measure


class Fidelity(Figure, frozen=True):
    """Cosine to a reference."""

    mean: Cosine
    minimum: Cosine
    texts: Count
    against: str


class BatchDependence(Figure, frozen=True):
    """1 - cosine between a text encoded alone and the same text in a batch of 16 of mixed lengths."""

    mean: float
    worst: float
    texts: Count
