"""What a GPU has to show."""

from __future__ import annotations

from collections.abc import Sequence

from biolord_bench.results.results import Row

COSINE, RATE, LATENCY = 0.9999, 1.3, 0.6


def judge(model: str, rows: Sequence[Row]) -> list[tuple[bool, str]]:
    """Hold a model's rows against the bars: whether each holds, and a line with the figure."""
    ours = [row for row in rows if row.target is not None and row.error is None]
    worst = min((row.fidelity.minimum for row in ours if row.fidelity), default=0.0)
    bars = [(worst >= COSINE, f"{model}: cosine to float32 {worst:.6f}, at least {COSINE}")]
    theirs = next((row for row in rows if row.name.endswith("torch float16")), None)
    names = None if theirs is None else theirs.bulk_of("names")
    if theirs is None or names is None or theirs.query is None:
        return [*bars, (False, f"{model}: torch float16 was not measured")]
    rate = max((bulk.texts_per_s for row in ours if (bulk := row.bulk_of("names"))), default=0.0) / names.texts_per_s
    query = min((row.query.p50_ms for row in ours if row.query), default=float("inf")) / theirs.query.p50_ms
    return [
        *bars,
        (rate >= RATE, f"{model}: {rate:.2f} times torch float16's names a second, at least {RATE}"),
        (query <= LATENCY, f"{model}: {query:.2f} times torch float16's p50 of a query, at most {LATENCY}"),
    ]
