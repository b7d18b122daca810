"""The figures of one row of a benchmark, as they stand in its JSON.

Times are milliseconds, memory is MB of 10^6 bytes; None is a figure that nobody measured.
"""

from __future__ import annotations

from dataclasses import dataclass

from biolord_onnx.json_fields import Fields


@dataclass(frozen=True, slots=True)
class Start:
    """From nothing to a vector, medians over processes.

    Attributes:
        import_ms: importing the tool.
        load_ms: checking and loading the model.
        first_vector_ms: encoding the first query.
        process_ms: from starting the process to the first vector.
    """

    import_ms: float | None
    load_ms: float | None
    first_vector_ms: float | None
    process_ms: float | None

    @classmethod
    def from_fields(cls, fields: Fields) -> Start:
        """Read it."""
        return cls(
            fields.optional_number("import_ms"),
            fields.optional_number("load_ms"),
            fields.optional_number("first_vector_ms"),
            fields.optional_number("process_ms"),
        )


@dataclass(frozen=True, slots=True)
class Query:
    """One text a call.

    Attributes:
        texts: how many in a repeat.
        p50_ms: median.
        p95_ms: 95th percentile.
        p99_ms: 99th percentile.
        repeats_p50_ms: the median of each repeat.
    """

    texts: int
    p50_ms: float
    p95_ms: float
    p99_ms: float
    repeats_p50_ms: tuple[float, ...]

    @classmethod
    def from_fields(cls, fields: Fields) -> Query:
        """Read it."""
        return cls(
            fields.integer("texts", least=1),
            fields.number("p50_ms"),
            fields.number("p95_ms"),
            fields.number("p99_ms"),
            fields.numbers("repeats_p50_ms"),
        )


@dataclass(frozen=True, slots=True)
class Bulk:
    """Many texts.

    Attributes:
        workload: what they are.
        texts: how many.
        texts_per_s: median over repeats.
        tokens_per_s: the same in tokens, special ones included, after the cut.
        cpu_s_per_1000: seconds of CPU time, of all cores together, for 1,000 texts.
        repeats_texts_per_s: texts per second of each repeat.
    """

    workload: str
    texts: int
    texts_per_s: float
    tokens_per_s: float
    cpu_s_per_1000: float | None
    repeats_texts_per_s: tuple[float, ...]

    @classmethod
    def from_fields(cls, fields: Fields) -> Bulk:
        """Read it."""
        return cls(
            fields.text("workload"),
            fields.integer("texts", least=1),
            fields.number("texts_per_s"),
            fields.number("tokens_per_s"),
            fields.optional_number("cpu_s_per_1000"),
            fields.numbers("repeats_texts_per_s"),
        )


@dataclass(frozen=True, slots=True)
class Latency:
    """Percentiles of single queries while a bulk job runs in the same process."""

    p50_ms: float
    p95_ms: float
    p99_ms: float

    @classmethod
    def from_fields(cls, fields: Fields) -> Latency:
        """Read it."""
        return cls(fields.number("p50_ms"), fields.number("p95_ms"), fields.number("p99_ms"))


@dataclass(frozen=True, slots=True)
class Memory:
    """Memory of the process.

    Attributes:
        after_queries_mb: resident after 40 queries.
        private_mb: the part of it that no other process has.
        shared_mb: the rest of it, such as weights mapped from the file.
        peak_mb: the most that was resident in the whole run.
    """

    after_queries_mb: float | None
    private_mb: float | None
    shared_mb: float | None
    peak_mb: float | None

    @classmethod
    def from_fields(cls, fields: Fields) -> Memory:
        """Read it."""
        return cls(
            fields.optional_number("after_queries_mb"),
            fields.optional_number("private_mb"),
            fields.optional_number("shared_mb"),
            fields.optional_number("peak_mb"),
        )


@dataclass(frozen=True, slots=True)
class Stages:
    """Where the time of one bulk run of names goes.

    Attributes:
        tokenise_ms: texts to token ids.
        run_ms: inside the graph.
        other_ms: the rest: batching, copying, Python.
    """

    tokenise_ms: float
    run_ms: float
    other_ms: float

    @classmethod
    def from_fields(cls, fields: Fields) -> Stages:
        """Read it."""
        return cls(fields.number("tokenise_ms"), fields.number("run_ms"), fields.number("other_ms"))


@dataclass(frozen=True, slots=True)
class Cell:
    """One run of the graph: ``batch`` texts of ``length`` tokens each."""

    batch: int
    length: int
    ms: float
    tokens_per_s: float

    @classmethod
    def from_fields(cls, fields: Fields) -> Cell:
        """Read it."""
        return cls(
            fields.integer("batch", least=1),
            fields.integer("length", least=1),
            fields.number("ms"),
            fields.number("tokens_per_s"),
        )


@dataclass(frozen=True, slots=True)
class Roofline:
    """What the machine's matmuls reach, and what the model makes of them.

    Attributes:
        int8_gops: 10^9 operations a second of the 8-bit matmul alone, at the model's shapes.
        float32_gops: the same in float32.
        bulk_gops: those of the model's linear layers in the fastest bulk run.
        share: of the peak in the model's own number format.
    """

    int8_gops: float | None
    float32_gops: float | None
    bulk_gops: float | None
    share: float | None

    @classmethod
    def from_fields(cls, fields: Fields) -> Roofline:
        """Read it."""
        return cls(
            fields.optional_number("int8_gops"),
            fields.optional_number("float32_gops"),
            fields.optional_number("bulk_gops"),
            fields.optional_number("share"),
        )


@dataclass(frozen=True, slots=True)
class Fidelity:
    """Cosine to a reference.

    Attributes:
        mean: over texts.
        minimum: of the worst text.
        texts: how many.
        against: the reference.
    """

    mean: float
    minimum: float
    texts: int
    against: str

    @classmethod
    def from_fields(cls, fields: Fields) -> Fidelity:
        """Read it."""
        return cls(
            fields.number("mean", least=-1),
            fields.number("minimum", least=-1),
            fields.integer("texts", least=1),
            fields.text("against"),
        )
