"""The results of a benchmark and their JSON, format 1: read strictly, written as it was read."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar

from biolord_bench.figures import Bulk, Cell, Fidelity, Latency, Memory, Query, Roofline, Stages, Start
from biolord_onnx.errors import ArtifactError, InputError
from biolord_onnx.json_fields import Fields, parse_object

FORMAT = 1
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Machine:
    """What was measured on: CPU, its noteworthy features, cores, memory in MB, system."""

    cpu: str
    features: tuple[str, ...]
    cores: int
    memory_mb: float
    system: str


@dataclass(frozen=True, slots=True)
class Settings:
    """How it was measured.

    Attributes:
        threads: cores of one run; None where rows differ.
        spinning: whether threads without work kept their cores busy.
        repeats: processes per row, whose figures were joined.
        max_length: tokens that longer texts were cut to; None is each model's own.
    """

    threads: int | None
    spinning: bool
    repeats: int
    max_length: int | None


@dataclass(frozen=True, slots=True)
class WorkloadSize:
    """Texts of a workload.

    Attributes:
        texts: how many.
        tokens: how many after the model's cut; None where the models' tokenizers differ.
        sha256: of the texts, each with a newline behind it.
    """

    texts: int
    tokens: int | None
    sha256: str


@dataclass(frozen=True, slots=True)
class Row:
    """One model in one environment. With an ``error`` there are no figures.

    Attributes:
        name: unique label.
        tool: what encoded, with its version.
        engine: what ran the graph, with its version.
        python: version of Python.
        provider: the execution provider really used.
        threads: cores of one run.
        target: the artefact's; None for a peer's model.
        file_mb: size of the model's files.
        error: one line why there are no figures.
        start: from nothing to a vector.
        query: one text a call.
        bulk: many texts, one entry per workload.
        query_during_bulk: one text a call while a bulk job runs.
        memory: of the process.
        idle_cpu_percent: of one core, with the model loaded and nothing to do.
        stages: where the time goes.
        grid: runs by batch and length.
        roofline: the machine's peak and the model's share.
        fidelity: cosine to a reference.
    """

    name: str
    tool: str
    engine: str
    python: str
    provider: str
    threads: int
    target: str | None
    file_mb: float | None
    error: str | None
    start: Start | None = None
    query: Query | None = None
    bulk: tuple[Bulk, ...] | None = None
    query_during_bulk: Latency | None = None
    memory: Memory | None = None
    idle_cpu_percent: float | None = None
    stages: Stages | None = None
    grid: tuple[Cell, ...] | None = None
    roofline: Roofline | None = None
    fidelity: Fidelity | None = None

    @classmethod
    def from_fields(cls, fields: Fields) -> Row:
        """Read a row.

        Raises:
            ArtifactError: a key is missing, a value of a wrong type, or an error stands beside figures.
        """
        row = cls(
            name=fields.text("name"),
            tool=fields.text("tool"),
            engine=fields.text("engine"),
            python=fields.text("python"),
            provider=fields.text("provider"),
            threads=fields.integer("threads", least=1),
            target=fields.optional_text("target"),
            file_mb=fields.optional_number("file_mb"),
            error=fields.optional_text("error"),
            start=_optional(fields, "start", Start.from_fields),
            query=_optional(fields, "query", Query.from_fields),
            bulk=_optional_list(fields, "bulk", Bulk.from_fields),
            query_during_bulk=_optional(fields, "query_during_bulk", Latency.from_fields),
            memory=_optional(fields, "memory", Memory.from_fields),
            idle_cpu_percent=fields.optional_number("idle_cpu_percent"),
            stages=_optional(fields, "stages", Stages.from_fields),
            grid=_optional_list(fields, "grid", Cell.from_fields),
            roofline=_optional(fields, "roofline", Roofline.from_fields),
            fidelity=_optional(fields, "fidelity", Fidelity.from_fields),
        )
        if row.error is not None and row.measured:
            raise fields.error("error", row.error, "null beside figures, or figures that are null")
        return row

    @property
    def measured(self) -> bool:
        """Whether there is any figure."""
        figures = (self.start, self.query, self.bulk, self.query_during_bulk, self.memory, self.idle_cpu_percent)
        more = (self.stages, self.grid, self.roofline, self.fidelity)
        return any(figure is not None for figure in (*figures, *more))

    def bulk_of(self, workload: str) -> Bulk | None:
        """Return the bulk figures of a workload, or None."""
        return next((bulk for bulk in self.bulk or () if bulk.workload == workload), None)


@dataclass(frozen=True, slots=True)
class Results:
    """A whole benchmark.

    Attributes:
        created: ISO 8601 time.
        machine: what was measured on.
        settings: how.
        workloads: what was encoded.
        rows: the figures.
    """

    created: str
    machine: Machine
    settings: Settings
    workloads: dict[str, WorkloadSize]
    rows: tuple[Row, ...]

    @classmethod
    def from_json(cls, text: str, path: Path | str) -> Results:
        """Read results.

        Args:
            text: the JSON document.
            path: where it came from, for messages.

        Raises:
            InputError: not JSON, another format, a missing key or a value of a wrong type or range.
        """
        try:
            return _results(parse_object(text, str(path), "write it again with biolord bench --json"))
        except ArtifactError as error:
            raise InputError(str(error)) from error

    def to_json(self) -> str:
        """Write indented JSON, ``format`` first, ending in a newline."""
        return json.dumps({"format": FORMAT, **asdict(self)}, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _results(fields: Fields) -> Results:
    found = fields.integer("format", least=1)
    if found != FORMAT:
        raise fields.error("format", found, f"{FORMAT}, which this biolord-onnx reads")
    rows = tuple(Row.from_fields(child) for child in fields.children("rows"))
    for name, count in Counter(row.name for row in rows).items():
        if count > 1:
            raise ArtifactError(f"{fields.source}: rows has {name!r} {count} times, expected once")
    workloads = fields.child("workloads")
    return Results(
        created=fields.text("created"),
        machine=_machine(fields.child("machine")),
        settings=_settings(fields.child("settings")),
        workloads={name: _workload(workloads.child(name)) for name in workloads.members},
        rows=rows,
    )


def _machine(fields: Fields) -> Machine:
    return Machine(
        cpu=fields.text("cpu"),
        features=fields.texts("features"),
        cores=fields.integer("cores", least=1),
        memory_mb=fields.number("memory_mb"),
        system=fields.text("system"),
    )


def _settings(fields: Fields) -> Settings:
    return Settings(
        threads=fields.optional_integer("threads", least=1),
        spinning=fields.boolean("spinning"),
        repeats=fields.integer("repeats", least=1),
        max_length=fields.optional_integer("max_length", least=1),
    )


def _workload(fields: Fields) -> WorkloadSize:
    return WorkloadSize(
        texts=fields.integer("texts", least=1),
        tokens=fields.optional_integer("tokens", least=1),
        sha256=fields.text("sha256"),
    )


def _optional(fields: Fields, key: str, read: Callable[[Fields], T]) -> T | None:
    child = fields.optional_child(key)
    return None if child is None else read(child)


def _optional_list(fields: Fields, key: str, read: Callable[[Fields], T]) -> tuple[T, ...] | None:
    children = fields.optional_children(key)
    return None if children is None else tuple(read(child) for child in children)
