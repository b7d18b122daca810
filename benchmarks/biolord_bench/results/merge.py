"""Joining results: of repeats into one row, of files into one table."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec.structs import replace

from biolord_bench.results.names import counted_threads, distinct_names
from biolord_bench.results.results import FORMAT, Machine, Results, Row, Settings, WorkloadSize
from biolord_onnx.errors import InputError


def merge_results(named: Sequence[tuple[str, Results]]) -> Results:
    """Join results of several environments on one machine.

    A row that stands in two files with the same figures is kept once; rows of one name whose environments differ get
    the difference behind their names.

    Args:
        named: File name and results, one or more.

    Raises:
        InputError: Machines, settings or texts of a workload differ, or one environment has two different rows of
            one name.
    """
    first_name, first = named[0]
    settings, workloads = first.settings, dict(first.workloads)
    for name, results in named[1:]:
        if results.machine != first.machine:
            raise InputError(
                f"{name} was measured on {_describe(results.machine)}, {first_name} on {_describe(first.machine)}: "
                "figures of different machines can't stand in one table"
            )
        settings = _join_settings(first_name, settings, name, results.settings)
        workloads = _join_workloads(workloads, name, results.workloads)
    rows = _join_rows(named)
    names = distinct_names([row.name for row in rows], [_environment(row) for row in rows])
    rows = [replace(row, name=name) for row, name in zip(rows, names, strict=True)]
    created = max(results.created for _, results in named)
    return Results(FORMAT, created, first.machine, settings, workloads, tuple(rows))


def _environment(row: Row) -> tuple[str, ...]:
    kernels = row.kernels or "no kernels of ours"
    return (
        row.provider,
        counted_threads(row.threads),
        row.engine,
        row.tool,
        f"Python {row.python}",
        row.target or "no target",
        kernels,
    )


def _join_rows(named: Sequence[tuple[str, Results]]) -> list[Row]:
    kept: dict[tuple[str, ...], tuple[str, Row]] = {}
    for name, results in named:
        for row in results.rows:
            file, known = kept.setdefault((row.name, *_environment(row)), (name, row))
            if known != row:
                raise InputError(
                    f"{file} and {name} both have a row {row.name!r} of the same environment "
                    f"({', '.join(_environment(row))}), with other figures: leave one of the files out"
                )
    return [row for _, row in kept.values()]


def _describe(machine: Machine) -> str:
    features = ", ".join(machine.features)
    return f"{machine.cpu} ({features}), {machine.cores} cores, {machine.memory_mb:.0f} MB, {machine.system}"


def _join_settings(first_name: str, first: Settings, name: str, settings: Settings) -> Settings:
    same_threads = replace(settings, threads=first.threads)
    if same_threads != first:
        before, after = msgspec.structs.asdict(first), msgspec.structs.asdict(same_threads)
        different = "; ".join(
            f"{key} is {after[key]}, expected {before[key]}" for key in before if before[key] != after[key]
        )
        raise InputError(f"{name} was measured in another way than {first_name}, {different}: run both the same way")
    return first if settings.threads == first.threads else replace(first, threads=None)


def _join_workloads(
    known: dict[str, WorkloadSize], name: str, workloads: dict[str, WorkloadSize]
) -> dict[str, WorkloadSize]:
    joined = dict(known)
    for workload, size in workloads.items():
        other = joined.setdefault(workload, size)
        if other.sha256 != size.sha256 or other.texts != size.texts:
            raise InputError(
                f"{name} has other texts for the workload {workload} (SHA-256 {size.sha256[:12]}..., expected "
                f"{other.sha256[:12]}...): run both with the same texts"
            )
        if other.tokens != size.tokens:
            joined[workload] = replace(other, tokens=None)
    return joined
