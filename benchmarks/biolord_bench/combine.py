"""Joining the repeats of one artefact into its row: medians."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import astuple, replace
from typing import TypeVar

from biolord_bench.figures import Bulk, Latency, Memory, Query, Roofline, Start
from biolord_bench.protocol import Answer
from biolord_bench.results import Row

T = TypeVar("T")


def combine(answers: Sequence[Answer]) -> Row:
    """Join the answers of several processes that measured the same.

    Args:
        answers: one or more; the first holds what was measured once.
    """
    first, rows = answers[0].row, [answer.row for answer in answers]
    bulk = _bulks([row.bulk for row in rows if row.bulk])
    return replace(
        first,
        start=Start(*_medians(row.start for row in rows)),
        query=_query([row.query for row in rows if row.query]),
        bulk=bulk,
        query_during_bulk=_latency([row.query_during_bulk for row in rows if row.query_during_bulk]),
        memory=Memory(*_medians(row.memory for row in rows)),
        idle_cpu_percent=_median([row.idle_cpu_percent for row in rows]),
        roofline=_roofline(first.roofline, bulk, answers[0]),
    )


def _medians(figures: Iterable[Start | Memory | None]) -> list[float | None]:
    columns = zip(*(astuple(figure) for figure in figures if figure is not None), strict=True)
    return [_median(column) for column in columns]


def _median(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None


def _query(queries: Sequence[Query]) -> Query | None:
    if not queries:
        return None
    p50, p95, p99 = (
        statistics.median(column) for column in zip(*((q.p50_ms, q.p95_ms, q.p99_ms) for q in queries), strict=True)
    )
    return Query(queries[0].texts, p50, p95, p99, tuple(query.p50_ms for query in queries))


def _latency(latencies: Sequence[Latency]) -> Latency | None:
    if not latencies:
        return None
    return Latency(*(statistics.median(column) for column in zip(*map(astuple, latencies), strict=True)))


def _bulks(repeats: Sequence[tuple[Bulk, ...]]) -> tuple[Bulk, ...] | None:
    return tuple(_bulk(alike) for alike in zip(*repeats, strict=True)) or None


def _bulk(repeats: Sequence[Bulk]) -> Bulk:
    return Bulk(
        workload=repeats[0].workload,
        texts=repeats[0].texts,
        texts_per_s=statistics.median(bulk.texts_per_s for bulk in repeats),
        tokens_per_s=statistics.median(bulk.tokens_per_s for bulk in repeats),
        cpu_s_per_1000=_median(bulk.cpu_s_per_1000 for bulk in repeats),
        repeats_texts_per_s=tuple(bulk.texts_per_s for bulk in repeats),
    )


def _roofline(peaks: Roofline | None, bulk: tuple[Bulk, ...] | None, answer: Answer) -> Roofline | None:
    """Add what the model makes of the peaks in its fastest bulk job."""
    if peaks is None or bulk is None:
        return peaks
    gops = 2 * answer.macs_per_token * max(one.tokens_per_s for one in bulk) / 1e9
    peak = peaks.int8_gops if answer.integer else peaks.float32_gops
    return replace(peaks, bulk_gops=gops, share=gops / peak if peak else None)
