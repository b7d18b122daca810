"""What a report shows: the figures as tables of text."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from biolord_bench.report.cells import NONE, Numbered, Table, number
from biolord_bench.report.ratios import ratios
from biolord_bench.results.results import Results, Row
from biolord_onnx.session.options import SPIN_MICROSECONDS


def tables(results: Results) -> list[Table]:
    """Lay results out; a table without rows is left out.

    Rows are numbered through all tables. Ratios are to the first row that has the figure: 2.00 is twice as fast.
    """
    numbered = [(str(number), row) for number, row in enumerate(results.rows, start=1)]
    builders = (_overview, _queries, _bulk, ratios, _start, _memory, _stages, _roofline, _grid, _rows, _notes, _errors)
    made = [build(numbered) for build in builders]
    return [table for table in made if table.rows]


def summary(results: Results) -> list[tuple[str, str]]:
    """Say on what and how it was measured, as label and text."""
    machine, settings = results.machine, results.settings
    many = "s" * (settings.threads != 1)
    threads = f"{settings.threads} thread{many} a run" if settings.threads else "threads as each row says"
    brief = f"threads without work sleep after {SPIN_MICROSECONDS} µs at most"
    spinning = "threads without work spin" if settings.spinning else brief
    processes = f"medians over {settings.repeats} processes a row" if settings.repeats > 1 else "one process a row"
    texts = [f"{name} {size.texts:,}{_tokens(size.tokens)}" for name, size in results.workloads.items()]
    return [
        ("machine", f"{machine.cpu} ({', '.join(machine.features) or 'features not known'})"),
        ("system", f"{machine.system}, {machine.cores} cores, {machine.memory_mb / 1000:.1f} GB"),
        ("run", f"{threads}, {spinning}, {processes}"),
        ("texts", "; ".join(texts) or "none"),
        ("created", results.created),
    ]


def _ratio(value: float | None, first: float | None) -> str:
    return NONE if not value or first is None else f"{first / value:.2f}"


def _first(rows: Numbered, figure: Callable[[Row], float | None]) -> float | None:
    return next((found for _, row in rows if (found := figure(row)) is not None), None)


def _cosines(row: Row) -> tuple[str, str]:
    if row.fidelity is None:
        return NONE, NONE
    return f"{row.fidelity.mean:.5f}", f"{row.fidelity.minimum:.4f}"


def _overview(rows: Numbered) -> Table:
    """Show the figures that people ask for first, a line a row."""
    measured = [(label, row) for label, row in rows if row.measured]
    names = [name for name in dict.fromkeys(bulk.workload for _, row in rows for bulk in row.bulk) if name != "mixed"]
    cells = []
    for label, row in measured:
        bulk = [number(found.texts_per_s if (found := row.bulk_of(name)) else None) for name in names]
        costs = (
            row.query.p50_ms if row.query else None,
            row.start.process_ms if row.start else None,
            row.memory.after_queries_mb if row.memory else None,
        )
        cells.append((label, row.name, *bulk, *map(number, costs), _cosines(row)[0]))
    header = ("#", "", *(f"{name}/s" for name in names), "query p50 ms", "start ms", "RSS MB", "cosine mean")
    note = (
        "Rates are texts per second, start is from nothing to the first vector, RSS after 40 queries; the cosine is "
        "that to the reference."
    )
    return Table("overview", "Overview", note, header, tuple(cells))


def _queries(rows: Numbered) -> Table:
    first = _first(rows, lambda row: row.query.p50_ms if row.query else None)
    cells = []
    for label, row in rows:
        if row.query is None:
            continue
        busy = row.query_during_bulk
        latencies = (row.query.p50_ms, row.query.p95_ms, row.query.p99_ms)
        during = (busy.p50_ms, busy.p95_ms) if busy else (None, None)
        ratio = _ratio(row.query.p50_ms, first)
        cells.append((label, row.name, *map(number, latencies), ratio, *map(number, during), *_cosines(row)))
    header = ("#", "single queries", "p50 ms", "p95 ms", "p99 ms", "× speed", "busy p50", "busy p95", "cosine", "worst")
    note = (
        "One text a call; busy: while another thread of the process runs a bulk job. Cosine to the reference, mean and "
        "worst."
    )
    return Table("queries", "Latency", note, header, tuple(cells))


def _bulk(rows: Numbered) -> Table:
    names = dict.fromkeys(bulk.workload for _, row in rows for bulk in row.bulk)
    cells = []
    for name in names:
        first = _first(rows, lambda row: bulk.texts_per_s if (bulk := row.bulk_of(name)) else None)  # noqa: B023 - used at once
        for label, row in rows:
            if (bulk := row.bulk_of(name)) is None:
                continue
            slowest, fastest = min(bulk.repeats_texts_per_s), max(bulk.repeats_texts_per_s)
            ratio = NONE if not first else f"{bulk.texts_per_s / first:.2f}"
            spread = f"{number(slowest)}–{number(fastest)}"
            figures = (number(bulk.texts_per_s), spread, number(bulk.tokens_per_s), number(bulk.cpu_s_per_1000), ratio)
            cells.append((label, row.name, name, *figures, *_cosines(row)))
    header = ("#", "bulk", "texts", "texts/s", "spread", "tokens/s", "CPU s/1,000", "× speed", "cosine", "worst")
    note = "Spread: slowest and fastest repeat. CPU: seconds of all cores together for 1,000 texts."
    return Table("bulk", "Throughput", note, header, tuple(cells))


def _start(rows: Numbered) -> Table:
    cells = [
        (label, row.name, *map(number, (s.import_ms, s.load_ms, s.first_vector_ms, s.process_ms)), number(row.file_mb))
        for label, row in rows
        if (s := row.start) is not None
    ]
    header = ("#", "start", "import ms", "load ms", "first vector ms", "process ms", "files MB")
    note = "Process: from starting it to the first vector, all together."
    return Table("start", "Start", note, header, tuple(cells))


def _memory(rows: Numbered) -> Table:
    cells = [
        (
            label,
            row.name,
            *map(number, (m.private_mb, m.shared_mb, m.after_queries_mb, m.peak_mb)),
            number(row.idle_cpu_percent),
        )
        for label, row in rows
        if (m := row.memory) is not None
    ]
    header = ("#", "memory", "private MB", "shared MB", "resident MB", "peak MB", "idle CPU %")
    note = (
        "After 40 queries; shared: mapped files that other processes have in common. Peak: of the whole run. Idle: of "
        "one core."
    )
    return Table("memory", "Memory", note, header, tuple(cells))


def _stages(rows: Numbered) -> Table:
    cells = []
    for label, row in rows:
        if (stages := row.stages) is None:
            continue
        parts = (stages.tokenize_ms, stages.run_ms, stages.other_ms)
        shares = [f"{100 * part / sum(parts):.1f}" if sum(parts) else NONE for part in parts]
        cells.append((label, row.name, *shares, *map(number, parts)))
    header = ("#", "stages", "tokenize %", "graph %", "other %", "tokenize ms", "graph ms", "other ms")
    return Table("stages", "Where the time goes", "One bulk run of names and sentences.", header, tuple(cells))


def _roofline(rows: Numbered) -> Table:
    cells = [
        (
            label,
            row.name,
            *map(number, (r.int8_gops, r.float32_gops, r.bulk_gops)),
            NONE if r.share is None else f"{100 * r.share:.0f}",
        )
        for label, row in rows
        if (r := row.roofline) is not None
    ]
    header = ("#", "roofline", "int8 GOP/s", "float32 GOP/s", "bulk GOP/s", "of matmul %")
    note = (
        "int8, float32: onnxruntime's matmul alone at the shapes of the model's layers. Bulk: those layers in the "
        "fastest bulk job, and its share of the matmul in the model's number format; operators of our own may pass it."
    )
    return Table("roofline", "Roofline", note, header, tuple(cells))


def _grid(rows: Numbered) -> Table:
    lengths = sorted({cell.length for _, row in rows for cell in row.grid})
    cells = []
    for label, row in rows:
        speeds = {(cell.batch, cell.length): cell.tokens_per_s for cell in row.grid}
        cells += [
            (label, row.name, str(batch), *(number(speeds.get((batch, length))) for length in lengths))
            for batch in sorted({batch for batch, _ in speeds})
        ]
    header = ("#", "tokens/s", "batch", *(f"{length} tokens" for length in lengths))
    note = "Single runs of the graph: so many texts of so many tokens each."
    return Table("grid", "Batch and length", note, header, tuple(cells))


def _rows(rows: Numbered) -> Table:
    cells = [
        (
            label,
            row.name,
            row.provider,
            str(row.threads),
            _cpus(row.affinity),
            row.kernels or NONE,
            row.onnxruntime or NONE,
            row.target or NONE,
            row.engine,
            row.tool,
            row.python or NONE,
            row.fidelity.against if row.fidelity else NONE,
        )
        for label, row in rows
    ]
    header = ("#", "row", "provider", "threads", "CPUs", "kernels", "onnxruntime", "target", "engine", "tool", "Python")
    note = (
        "The provider is the one really used; of a row without figures, the one asked for. CPUs: those that the "
        "process might run on. Kernels: the kind of our own operators, where the graph has them."
    )
    left = (1, 2, 4, 5, 6, 7, 8, 9, 10, 11)
    return Table("rows", "Rows", note, (*header, "cosine against"), tuple(cells), left)


def _notes(rows: Numbered) -> Table:
    cells = tuple((label, row.name, "; ".join((row.setting, *row.notes))) for label, row in rows)
    return Table("notes", "How each was run", "", ("#", "row", "setting"), cells, left=(1, 2))


def _errors(rows: Numbered) -> Table:
    cells = tuple((label, row.name, row.error) for label, row in rows if row.error is not None)
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


def _tokens(tokens: int | None) -> str:
    return "" if tokens is None else f" ({tokens:,} tokens)"
