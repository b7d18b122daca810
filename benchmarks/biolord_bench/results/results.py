"""The results of a benchmark and their JSON, format 2: read strictly, written as it was read."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import msgspec

from biolord_bench.results.figures import (
    BatchDependence,
    Bulk,
    Cell,
    Count,
    Fidelity,
    Figure,
    Latency,
    Measure,
    Memory,
    Query,
    Stages,
    Start,
)
from biolord_onnx.errors import InputError

FORMAT = 2


class Machine(Figure, frozen=True):
    """What was measured on: CPU, its noteworthy features, cores, memory in MB, system."""

    cpu: str
    features: tuple[str, ...]
    cores: Count
    memory_mb: Measure
    system: str


class Settings(Figure, frozen=True):
    """How it was measured.

    Attributes:
        threads: Cores of every tool; None where rows differ.
        spinning: Whether threads of ours without work kept their cores busy.
        repeats: Processes per row, whose figures were joined.
    """

    threads: Count | None
    spinning: bool
    repeats: Count


class WorkloadSize(Figure, frozen=True):
    """Texts of a workload.

    Attributes:
        tokens: How many after the model's cut; None where the models' tokenizers differ.
        sha256: Of the texts, each with a newline behind it.
    """

    texts: Count
    tokens: Count | None
    sha256: str


class Row(Figure, frozen=True):
    """One model in one environment. With an ``error`` there are no figures.

    Attributes:
        name: Unique label.
        tool: What encoded, with its version.
        engine: What ran the graph, with its version.
        provider: The execution provider really used; of a row without figures, the one asked for.
        threads: Cores that the tool might use.
        affinity: Numbers of the CPUs that the process might run on; None where the system doesn't tell.
        target: The artifact's; None for a peer's model.
        max_length: Tokens after which the tool cut texts.
        refused: Whether the error was known before anything was started: such a provider isn't installed, or doesn't
            run the target.
        notes: What one has to know beside the figures, one per line.
        bulk: Many texts, one entry per workload.
        query_during_bulk: One text a call while a bulk job runs.
        idle_cpu_percent: Of one core, with the model loaded and nothing to do.
    """

    name: str
    tool: str
    engine: str
    python: str | None
    provider: str
    threads: Count
    setting: str
    affinity: tuple[int, ...] | None
    onnxruntime: str | None
    kernels: str | None
    target: str | None
    file_mb: Measure | None
    max_length: Count | None
    error: str | None
    refused: bool = False
    notes: tuple[str, ...] = ()
    start: Start | None = None
    query: Query | None = None
    bulk: tuple[Bulk, ...] = ()
    query_during_bulk: Latency | None = None
    memory: Memory | None = None
    idle_cpu_percent: Measure | None = None
    stages: Stages | None = None
    grid: tuple[Cell, ...] = ()
    fidelity: Fidelity | None = None
    batch_dependence: BatchDependence | None = None

    @property
    def measured(self) -> bool:
        """Whether there is any figure."""
        figures = (self.start, self.query, self.query_during_bulk, self.memory, self.idle_cpu_percent)
        more = (self.stages, self.fidelity, self.batch_dependence)
        return any(figure is not None for figure in (*figures, *more)) or bool(self.bulk or self.grid)

    def bulk_of(self, workload: str) -> Bulk | None:
        """Return the bulk figures of a workload, or None."""
        return next((bulk for bulk in self.bulk if bulk.workload == workload), None)


class Results(Figure, frozen=True):
    """A whole benchmark."""

    format: int
    created: str
    machine: Machine
    settings: Settings
    workloads: dict[str, WorkloadSize]
    rows: tuple[Row, ...]

    @classmethod
    def from_json(cls, text: str, path: Path | str) -> Results:
        """Read results.

        Raises:
            InputError: Not JSON, another format, a missing key or a value of a wrong type or range.
        """
        try:
            if (found := msgspec.json.decode(text, type=_Head).format) != FORMAT:
                raise _refusal(path, f"format is {found}, expected {FORMAT}, which this biolord-onnx reads")
            results = msgspec.json.decode(text, type=cls)
        except (msgspec.DecodeError, UnicodeEncodeError) as error:
            raise _refusal(path, str(error)) from error
        _check_rows(results.rows, path)
        return results

    def to_json(self) -> str:
        """Write indented JSON, ``format`` first, ending in a newline."""
        return msgspec.json.format(msgspec.json.encode(self), indent=1).decode() + "\n"


class _Head(msgspec.Struct):
    format: int


def _check_rows(rows: tuple[Row, ...], path: Path | str) -> None:
    for name, count in Counter(row.name for row in rows).items():
        if count > 1:
            raise _refusal(path, f"rows has {name!r} {count} times, expected once")
    for row in rows:
        if row.error is not None and row.measured:
            raise _refusal(path, f"the row {row.name!r} has the error {row.error!r} beside figures, expected one only")


def _refusal(path: Path | str, what: str) -> InputError:
    return InputError(f"{path}: {what}: write it again with biolord bench --json")
