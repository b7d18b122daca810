"""The first artifact's figures divided by each other tool's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

from biolord_bench.report.cells import NONE, Numbered, Table
from biolord_bench.results.results import Row


@dataclass(frozen=True, slots=True)
class _Figure:
    """The title of a column, and a row's values in each repeat; a single one where only the median is kept."""

    title: str
    repeats: Callable[[Row], Sequence[float]]


def ratios(rows: Numbered) -> Table:
    """Divide; without an artifact or a peer, the table has no rows."""
    measured = [(label, row) for label, row in rows if row.measured]
    ours = next((row for _, row in measured if row.target is not None), None)
    peers = [(label, row) for label, row in measured if row.target is None]
    figures = _figures(ours) if ours is not None and peers else []
    cells = [(label, row.name, *(_ratio(figure, ours, row) for figure in figures)) for label, row in peers if ours]
    title = f"Ratios: {ours.name} to each" if ours else "Ratios"
    note = (
        "Rates: how many times as many texts a second, more is better. Times and memory: which part of the other "
        "tool's, less is better. In brackets the lowest and the highest of the repeats, each against the same repeat."
    )
    return Table("ratios", title, note, ("#", "", *(figure.title for figure in figures)), tuple(cells))


def _figures(ours: Row) -> list[_Figure]:
    return [
        *(_rate(bulk.workload) for bulk in ours.bulk),
        _Figure("query p50", lambda row: row.query.repeats_p50_ms if row.query else ()),
        _Figure("start", lambda row: _known(row.start.process_ms if row.start else None)),
        _Figure("RSS", lambda row: _known(row.memory.after_queries_mb if row.memory else None)),
    ]


def _rate(workload: str) -> _Figure:
    return _Figure(f"{workload}/s", lambda row: bulk.repeats_texts_per_s if (bulk := row.bulk_of(workload)) else ())


def _known(value: float | None) -> Sequence[float]:
    return () if value is None else (value,)


def _ratio(figure: _Figure, ours: Row, peer: Row) -> str:
    """Write the median of the repeats' ratios, and their range: a range of one value would feign certainty."""
    pairs = zip(figure.repeats(ours), figure.repeats(peer), strict=False)
    each = [our / other for our, other in pairs if other]
    if not each:
        return NONE
    spread = f" ({min(each):.2f}–{max(each):.2f})" if len(each) > 1 else ""
    return f"{median(each):.2f}{spread}"
