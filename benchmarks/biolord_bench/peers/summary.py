"""Turns a journal into results of format 1, the same that ``biolord bench --json`` writes.

Beyond the format a row of ours has ``batch_dependence``, ``max_length`` and ``notes``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

import numpy as np

from biolord_bench.peers.journal import Entry, Journal
from biolord_bench.peers.rows import REFERENCE, Row
from biolord_bench.peers.steps import BULK
from biolord_bench.peers.texts import Written
from biolord_bench.peers.vectors import Agreement, batch_dependence, fidelity

JSON = dict[str, object]
FORMAT = 1
MIXED = "mixed"
_FALLBACK_REFERENCE = "biolord-onnx cpu-fp32"


def results(
    rows: Sequence[Row],
    journal: Journal,
    texts: Mapping[str, Written],
    files: Mapping[str, float],
    *,
    machine: JSON,
    threads: int,
    repeats: int,
) -> JSON:
    """Summarise a run.

    Args:
        rows: all of them, those that couldn't run included.
        journal: what was measured.
        texts: the workloads by name.
        files: MB of model files by row.
        machine: what was measured on.
        threads: cores that each tool might use.
        repeats: how often each row was to be measured.
    """
    return {
        "format": FORMAT,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine,
        "settings": {"threads": threads, "spinning": False, "repeats": repeats, "max_length": None},
        "workloads": {
            name: {
                "texts": len(written.workload.texts),
                "tokens": int(written.tokens.sum()),
                "sha256": written.workload.sha256,
            }
            for name, written in texts.items()
        },
        "rows": [_row(row, journal, files.get(row.name), threads) for row in rows],
    }


def _row(row: Row, journal: Journal, file_mb: float | None, threads: int) -> JSON:
    starts = journal.of(row.name, "start")
    first = starts[0] if starts else None
    error = next((entry.error for entry in starts if entry.error), None if first else "not measured")
    identity: JSON = {
        "name": row.name,
        "tool": _versioned(row.tool, first, "tool"),
        "engine": _versioned(row.engine, first, "engine"),
        "python": str((first.data or {}).get("python", "")) if first else "",
        "provider": "openvino" if row.engine == "openvino" else "cpu",
        "threads": threads,
        "target": row.target,
        "file_mb": file_mb,
        "error": error,
        "stages": None,
        "grid": None,
        "roofline": None,
    }
    return identity | (dict.fromkeys(_FIGURES) if error else _figures(row, journal))


_FIGURES = (
    "start",
    "query",
    "bulk",
    "query_during_bulk",
    "memory",
    "idle_cpu_percent",
    "fidelity",
    "batch_dependence",
    "max_length",
    "notes",
)


def _figures(row: Row, journal: Journal) -> JSON:
    starts = journal.of(row.name, "start")
    queries, contended = journal.of(row.name, "queries"), journal.of(row.name, "contend")
    stem = _stem(journal, row.name)
    return {
        "start": None if row.asks_hub else _start(starts),
        "query": _query(queries),
        "bulk": [figures for name in (*BULK, MIXED) if (figures := _bulk(name, journal.of(row.name, name)))],
        "query_during_bulk": _latency(contended),
        "memory": _memory(starts, [entry for entry in journal.entries.values() if entry.row == row.name]),
        "idle_cpu_percent": _median(starts, "idle_cpu_percent"),
        "fidelity": _fidelity(stem, journal),
        "batch_dependence": _batch_dependence(batch_dependence(stem)) if stem else None,
        "max_length": starts[0].number("max_length"),
        "notes": _notes(row, journal),
    }


def _start(entries: Sequence[Entry]) -> JSON:
    return {name: _median(entries, name) for name in ("import_ms", "load_ms", "first_vector_ms", "process_ms")}


def _query(entries: Sequence[Entry]) -> JSON | None:
    latency = _latency(entries)
    if latency is None:
        return None
    each = [median(entry.numbers("ms")) for entry in entries if entry.numbers("ms")]
    return {
        "texts": min(len(entry.numbers("ms")) for entry in entries if entry.data),
        **latency,
        "repeats_p50_ms": each,
    }


def _latency(entries: Sequence[Entry]) -> JSON | None:
    measured = [entry.numbers("ms") for entry in entries if entry.numbers("ms")]
    if not measured:
        return None
    return {
        f"p{percent}_ms": median(float(np.percentile(times, percent)) for times in measured) for percent in (50, 95, 99)
    }


def _bulk(workload: str, entries: Sequence[Entry]) -> JSON | None:
    done = [entry for entry in entries if entry.data]
    if not done:
        return None
    rates = [_ratio(entry, "texts", "seconds") for entry in done]
    return {
        "workload": workload,
        "texts": int(median(entry.number("texts") or 0 for entry in done)),
        "texts_per_s": median(rates),
        "tokens_per_s": median(_ratio(entry, "tokens", "seconds") for entry in done),
        "cpu_s_per_1000": 1000 * median(_ratio(entry, "cpu_s", "texts") for entry in done),
        "repeats_texts_per_s": rates,
    }


def _memory(starts: Sequence[Entry], entries: Sequence[Entry]) -> JSON:
    return {
        "after_queries_mb": _median(starts, "resident_mb"),
        "private_mb": _median(starts, "private_mb"),
        "shared_mb": _median(starts, "shared_mb"),
        "peak_mb": max(peak for entry in entries if (peak := entry.number("peak_mb")) is not None),
    }


def _fidelity(stem: str | None, journal: Journal) -> JSON | None:
    references = ((name, _stem(journal, name)) for name in (REFERENCE, _FALLBACK_REFERENCE))
    against, reference = next(((name, found) for name, found in references if found), ("", None))
    if stem is None or reference is None:
        return None
    agreement = fidelity(stem, reference)
    return {"mean": agreement.mean, "minimum": agreement.minimum, "texts": agreement.texts, "against": against}


def _batch_dependence(agreement: Agreement) -> JSON:
    """Report 1 - cosine of a text alone to itself among others; differences of rounding alone are below 1e-6."""
    return {"mean": 1 - agreement.mean, "worst": 1 - agreement.minimum, "texts": agreement.texts}


def _stem(journal: Journal, row: str) -> str | None:
    files = [str(entry.data["file"]) for entry in journal.of(row, "vectors") if entry.data]
    return files[0] if files and Path(f"{files[0]}-all.npy").exists() else None


def _notes(row: Row, journal: Journal) -> list[str]:
    notes = ["asks the model hub on every load, so its start isn't shown"] if row.asks_hub else []
    left_out = [
        name for name in BULK if any(entry.data is None and entry.error is None for entry in journal.of(row.name, name))
    ]
    notes += [f"{name}: not run, the tool would cut these texts" for name in left_out]
    failures = dict.fromkeys(
        f"{entry.step}: {entry.error}" for entry in journal.entries.values() if entry.row == row.name and entry.error
    )
    return [*notes, *failures]


def _median(entries: Sequence[Entry], name: str) -> float | None:
    values = [value for entry in entries if (value := entry.number(name)) is not None]
    return median(values) if values else None


def _ratio(entry: Entry, over: str, under: str) -> float:
    return (entry.number(over) or 0.0) / (entry.number(under) or 1.0)


def _versioned(distribution: str, entry: Entry | None, name: str) -> str:
    version = (entry.data or {}).get(name) if entry else None
    return f"{distribution} {version}" if version else distribution
