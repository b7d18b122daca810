"""What the bench and its worker processes say to each other: a line of JSON each way, twice.

The texts of bulk jobs come in a line of their own, which the worker reads only after its memory was measured.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from biolord_bench.results import Row
from biolord_bench.workloads import Workload
from biolord_onnx.json_fields import Fields, parse_object

QUERIES = "queries"
"""The workload that is encoded one by one."""
_BUG = "this is a bug of biolord bench"


@dataclass(frozen=True, slots=True)
class Grid:
    """Which runs of the graph to time: every batch with every length."""

    batches: tuple[int, ...]
    lengths: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Request:
    """What a worker is to measure.

    Attributes:
        artifact: the folder.
        provider: name of the provider.
        threads: cores of one run.
        spinning: whether threads without work keep their cores busy.
        started: `time.monotonic` just before the process was started.
        queries: texts to encode one by one, one or more.
        time_queries: whether their latency is wanted; else they only bring the memory to rest.
        idle_seconds: how long to watch the process do nothing.
        details: whether stages, grid, roofline and fidelity are wanted too, which need no repeats.
        grid: which runs of the graph to time, or None.
        reference: artefact folder to measure fidelity against; None takes the manifest's figures.
    """

    artifact: str
    provider: str
    threads: int
    spinning: bool
    started: float
    queries: tuple[str, ...]
    time_queries: bool
    idle_seconds: float
    details: bool
    grid: Grid | None
    reference: str | None

    @classmethod
    def from_json(cls, line: str) -> Request:
        """Read a request."""
        fields = parse_object(line, "request", _BUG)
        grid = fields.optional_child("grid")
        return cls(
            artifact=fields.text("artifact"),
            provider=fields.text("provider"),
            threads=fields.integer("threads", least=1),
            spinning=fields.boolean("spinning"),
            started=fields.number("started"),
            queries=fields.texts("queries"),
            time_queries=fields.boolean("time_queries"),
            idle_seconds=fields.number("idle_seconds"),
            details=fields.boolean("details"),
            grid=None if grid is None else Grid(_integers(grid, "batches"), _integers(grid, "lengths")),
            reference=fields.optional_text("reference"),
        )

    def to_json(self) -> str:
        """Write it as one line."""
        return json.dumps(asdict(self))


@dataclass(frozen=True, slots=True)
class Answer:
    """What a worker measured.

    Attributes:
        row: the figures of one repeat; its name is left to the asker.
        tokens: tokens of each workload after the cut.
        macs_per_token: multiplications of the linear layers for one token.
        integer: whether most of them are of 8-bit integers.
    """

    row: Row
    tokens: dict[str, int]
    macs_per_token: int
    integer: bool

    @classmethod
    def from_json(cls, line: str) -> Answer:
        """Read an answer."""
        fields = parse_object(line, "answer", _BUG)
        tokens = fields.child("tokens")
        return cls(
            row=Row.from_fields(fields.child("row")),
            tokens={name: tokens.integer(name, least=1) for name in tokens.members},
            macs_per_token=fields.integer("macs_per_token", least=0),
            integer=fields.boolean("integer"),
        )

    def to_json(self) -> str:
        """Write it as one line."""
        return json.dumps(asdict(self), allow_nan=False)


def workloads_to_json(workloads: list[Workload]) -> str:
    """Write the texts of bulk jobs as one line."""
    return json.dumps({"workloads": [asdict(workload) for workload in workloads]})


def workloads_from_json(line: str) -> list[Workload]:
    """Read the texts of bulk jobs."""
    return [_workload(child) for child in parse_object(line, "workloads", _BUG).children("workloads")]


def _workload(fields: Fields) -> Workload:
    return Workload(fields.text("name"), fields.texts("texts"), fields.optional_integer("texts_a_call", least=1))


def _integers(fields: Fields, key: str) -> tuple[int, ...]:
    return tuple(int(number) for number in fields.numbers(key))
