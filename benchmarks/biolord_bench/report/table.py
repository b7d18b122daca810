"""What a report shows: the figures as tables of text."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from biolord_bench.report.cells import NONE, Cells, Numbered, Table, numbers
from biolord_bench.report.ratios import ratios
from biolord_bench.results.results import Results, Row
from biolord_onnx.session.options import SPIN_MICROSECONDS


def tables(results: Results) -> list[Table]:
    """Lay results out; a table without rows is left out.

    Rows are numbered through all tables. Ratios are to the first row that has the figure: 2.00 is twice as fast.
    """
    rows = [(str(position), row) for position, row in enumerate(results.rows, start=1)]
    builders = (_overview, _queries, _bulk, ratios, _start, _memory, _stages, _grid, _rows, _notes, _errors)
    return [table for build in builders if (table := build(rows)).rows]


def summary(results: Results) -> list[tuple[str, str]]:
    """Say on what and how it was measured, as label and text."""
    machine, settings = results.machine, results.settings
    many = "s" * (settings.threads != 1)
    threads = f"{settings.threads} thread{many} a run" if settings.threads else "threads as each row says"
    brief = f"threads without work sleep after {SPIN_MICROSECONDS} µs at most"
    spinning = "threads without work spin" if settings.spinning else brief
    processes = f"medians over {settings.repeats} processes a row" if settings.repeats > 1 else "one process a row"
    texts = [
        f"{name} {size.texts:,}" + (f" ({size.tokens:,} tokens)" if size.tokens else "")
        for name, size in results.workloads.items()
    ]
    return [
        ("machine", f"{machine.cpu} ({', '.join(machine.features) or 'features not known'})"),
        ("system", f"{machine.system}, {machine.cores} cores, {machine.memory_mb / 1000:.1f} GB"),
        ("run", f"{threads}, {spinning}, {processes}"),
        ("texts", "; ".join(texts) or "none"),
        ("created", results.created),
    ]


def _by_row(rows: Numbered, cells: Callable[[Row], Sequence[str] | None]) -> Cells:
    """Lay out a line for every row that has cells."""
    return tuple((label, row.name, *found) for label, row in rows if (found := cells(row)) is not None)


def _ratio(value: float | None, first: float | None) -> str:
    return NONE if not value or first is None else f"{first / value:.2f}"


def _cosines(row: Row) -> tuple[str, str]:
    found = row.fidelity
    return (f"{found.mean:.5f}", f"{found.minimum:.4f}") if found else (NONE, NONE)


def _workloads(rows: Numbered) -> list[str]:
    return list(dict.fromkeys(bulk.workload for _, row in rows for bulk in row.bulk))


def _overview(rows: Numbered) -> Table:
    """Show the figures that people ask for first."""
    names = [name for name in _workloads(rows) if name != "mixed"]

    def cells(row: Row) -> Sequence[str] | None:
        rates = (bulk.texts_per_s if (bulk := row.bulk_of(name)) else None for name in names)
        query = row.query.p50_ms if row.query else None
        start = row.start.process_ms if row.start else None
        memory = row.memory.after_queries_mb if row.memory else None
        return (*numbers(*rates, query, start, memory), _cosines(row)[0]) if row.measured else None

    header = ("#", "", *(f"{name}/s" for name in names), "query p50 ms", "start ms", "RSS MB", "cosine mean")
    note = (
        "Rates are texts per second, start is from nothing to the first vector, RSS after 40 queries; the cosine is "
        "that to the reference."
    )
    bars = tuple(range(2, len(header) - 1))
    return Table("overview", "Overview", note, header, _by_row(rows, cells), bars=bars)


def _queries(rows: Numbered) -> Table:
    first = next((row.query.p50_ms for _, row in rows if row.query), None)

    def cells(row: Row) -> Sequence[str] | None:
        query, busy = row.query, row.query_during_bulk
        if query is None:
            return None
        during = (busy.p50_ms, busy.p95_ms) if busy else (None, None)
        latencies = numbers(query.p50_ms, query.p95_ms, query.p99_ms)
        return (*latencies, _ratio(query.p50_ms, first), *numbers(*during), *_cosines(row))

    header = ("#", "single queries", "p50 ms", "p95 ms", "p99 ms", "× speed", "busy p50", "busy p95", "cosine", "worst")
    note = (
        "One text a call; busy: while another thread of the process runs a bulk job. Cosine to the reference, mean and "
        "worst."
    )
    return Table("queries", "Latency", note, header, _by_row(rows, cells), bars=(2, 3, 4, 6, 7))


def _bulk(rows: Numbered) -> Table:
    header = ("#", "bulk", "texts", "texts/s", "spread", "tokens/s", "CPU s/1,000", "× speed", "cosine", "worst")
    note = "Spread: slowest and fastest repeat. CPU: seconds of all cores together for 1,000 texts."
    cells = tuple(line for name in _workloads(rows) for line in _workload(rows, name))
    return Table("bulk", "Throughput", note, header, cells, bars=(5,))


def _workload(rows: Numbered, name: str) -> Cells:
    first = next(bulk.texts_per_s for _, row in rows if (bulk := row.bulk_of(name)))

    def cells(row: Row) -> Sequence[str] | None:
        if (bulk := row.bulk_of(name)) is None:
            return None
        rate, tokens, cpu = numbers(bulk.texts_per_s, bulk.tokens_per_s, bulk.cpu_s_per_1000)
        spread = "–".join(numbers(min(bulk.repeats_texts_per_s), max(bulk.repeats_texts_per_s)))
        return (name, rate, spread, tokens, cpu, _ratio(first, bulk.texts_per_s), *_cosines(row))

    return _by_row(rows, cells)


def _start(rows: Numbered) -> Table:
    def cells(row: Row) -> Sequence[str] | None:
        if (s := row.start) is None:
            return None
        return numbers(s.import_ms, s.load_ms, s.first_vector_ms, s.process_ms, row.file_mb)

    header = ("#", "start", "import ms", "load ms", "first vector ms", "process ms", "files MB")
    note = "Process: from starting it to the first vector, all together."
    return Table("start", "Start", note, header, _by_row(rows, cells), bars=(5, 6))


def _memory(rows: Numbered) -> Table:
    def cells(row: Row) -> Sequence[str] | None:
        if (m := row.memory) is None:
            return None
        return numbers(m.private_mb, m.shared_mb, m.after_queries_mb, m.peak_mb, row.idle_cpu_percent)

    header = ("#", "memory", "private MB", "shared MB", "resident MB", "peak MB", "idle CPU %")
    note = (
        "After 40 queries; shared: mapped files that other processes have in common. Peak: of the whole run. Idle: of "
        "one core."
    )
    return Table("memory", "Memory", note, header, _by_row(rows, cells), bars=(2, 3, 4, 5))


def _stages(rows: Numbered) -> Table:
    def cells(row: Row) -> Sequence[str] | None:
        if (stages := row.stages) is None:
            return None
        parts = (stages.tokenize_ms, stages.run_ms, stages.other_ms)
        shares = (f"{100 * part / sum(parts):.1f}" if sum(parts) else NONE for part in parts)
        return (*shares, *numbers(*parts))

    header = ("#", "stages", "tokenize %", "graph %", "other %", "tokenize ms", "graph ms", "other ms")
    note = "One bulk run of names and sentences."
    return Table("stages", "Where the time goes", note, header, _by_row(rows, cells), bars=(2, 3, 4))


def _grid(rows: Numbered) -> Table:
    lengths = sorted({cell.length for _, row in rows for cell in row.grid})
    cells = []
    for label, row in rows:
        speeds = {(cell.batch, cell.length): cell.tokens_per_s for cell in row.grid}
        cells += [
            (label, row.name, str(batch), *numbers(*(speeds.get((batch, length)) for length in lengths)))
            for batch in sorted({batch for batch, _ in speeds})
        ]
    header = ("#", "tokens/s", "batch", *(f"{length} tokens" for length in lengths))
    note = "Single runs of the graph, by number of texts and tokens per text."
    return Table("grid", "Batch and length", note, header, tuple(cells))


def _rows(rows: Numbered) -> Table:
    def cells(row: Row) -> Sequence[str]:
        against = row.fidelity.against if row.fidelity else None
        known = (row.kernels, row.onnxruntime, row.target, row.engine, row.tool, row.python, against)
        return (row.provider, str(row.threads), _cpus(row.affinity), *(text or NONE for text in known))

    header = ("#", "row", "provider", "threads", "CPUs", "kernels", "onnxruntime", "target", "engine", "tool", "Python")
    note = (
        "The provider is the one really used; of a row without figures, the one asked for. CPUs: those that the "
        "process might run on. Kernels: the kind of our own operators, where the graph has them."
    )
    left = (1, 2, 4, 5, 6, 7, 8, 9, 10, 11)
    return Table("rows", "Rows", note, (*header, "cosine against"), _by_row(rows, cells), left)


def _notes(rows: Numbered) -> Table:
    cells = _by_row(rows, lambda row: ("; ".join((row.setting, *row.notes)),))
    return Table("notes", "How each was run", "", ("#", "row", "setting"), cells, left=(1, 2))


def _errors(rows: Numbered) -> Table:
    cells = _by_row(rows, lambda row: None if row.error is None else (row.error,))
    return Table("errors", "Without figures", "", ("#", "row", "why"), cells, left=(1, 2))


def _cpus(affinity: Sequence[int] | None) -> str:
    """Write CPU numbers, neighbors as a range: ``0–3, 8``."""
    if affinity is None:
        return NONE
    ranges: list[list[int]] = []
    for cpu in affinity:
        if ranges and ranges[-1][-1] == cpu - 1:
            ranges[-1][1:] = [cpu]
        else:
            ranges.append([cpu])
    return ", ".join("–".join(map(str, ends)) for ends in ranges)
