"""Results as Markdown: the figures, ratios of ours to the peers', and what they were measured on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

JSON = Mapping[str, object]
OURS = "biolord-onnx cpu-int8"
_MISSING = "–"
_DIGITS = 100


@dataclass(frozen=True, slots=True)
class Column:
    """A figure of a row.

    Attributes:
        title: with its unit.
        value: finds it in a row of the results.
        repeats: finds its value in each repeat; None where only the median is kept.
    """

    title: str
    value: Callable[[JSON], float | None]
    repeats: Callable[[JSON], Sequence[float]] | None = None


def _at(*path: str) -> Callable[[JSON], float | None]:
    def find(row: JSON) -> float | None:
        value: object = row
        for key in path:
            value = value.get(key) if isinstance(value, Mapping) else None
        return float(value) if isinstance(value, int | float) else None

    return find


def _bulk(workload: str) -> Column:
    return Column(f"{workload}/s", _in_bulk(workload), _repeats_in_bulk(workload))


def _in_bulk(workload: str, figure: str = "texts_per_s") -> Callable[[JSON], float | None]:
    return lambda row: _at(figure)(_entry(row, workload))


def _repeats_in_bulk(workload: str) -> Callable[[JSON], Sequence[float]]:
    return lambda row: _list(_entry(row, workload).get("repeats_texts_per_s"))


def _entry(row: JSON, workload: str) -> JSON:
    entries = row.get("bulk")
    for entry in entries if isinstance(entries, list) else []:
        if isinstance(entry, Mapping) and entry.get("workload") == workload:
            return entry
    return {}


def _query_repeats(row: JSON) -> Sequence[float]:
    query = row.get("query")
    return _list(query.get("repeats_p50_ms")) if isinstance(query, Mapping) else []


def _list(value: object) -> list[float]:
    return [float(item) for item in value] if isinstance(value, list) else []


SPEED = (
    _bulk("names"),
    _bulk("definitions"),
    _bulk("long"),
    _bulk("cut128"),
    _bulk("mixed"),
    Column("query p50 ms", _at("query", "p50_ms"), _query_repeats),
    Column("p95 ms", _at("query", "p95_ms")),
    Column("p95 ms in bulk", _at("query_during_bulk", "p95_ms")),
)
COST = (
    Column("start ms", _at("start", "process_ms")),
    Column("RSS MB", _at("memory", "after_queries_mb")),
    Column("private MB", _at("memory", "private_mb")),
    Column("peak MB", _at("memory", "peak_mb")),
    Column("file MB", _at("file_mb")),
    Column("CPU s/1,000 names", _in_bulk("names", "cpu_s_per_1000")),
    Column("idle CPU %", _at("idle_cpu_percent")),
)
FIDELITY = (
    Column("cosine mean", _at("fidelity", "mean")),
    Column("minimum", _at("fidelity", "minimum")),
    Column("batch dependence, worst", _at("batch_dependence", "worst")),
)
RATIOS = (
    *SPEED[:6],
    Column("start", _at("start", "process_ms")),
    Column("RSS", _at("memory", "after_queries_mb")),
)


def report(results: JSON) -> str:
    """Write the whole report."""
    rows = rows_of(results)
    parts = [
        "# Measured",
        conditions(results),
        "## Speed\n\nTexts per second in bulk; milliseconds for one text a call.",
        figures(rows, SPEED),
        "## Cost and fidelity",
        _cost_legend(rows),
        figures(rows, (*COST, *FIDELITY), precise=len(COST)),
    ]
    if any(is_peer(row) for row in rows) and any(row["name"] == OURS for row in rows):
        parts += [f"## Ratios: {OURS} to each peer", _RATIO_LEGEND, ratios(rows)]
    parts += [_remarks(rows)]
    return "\n\n".join(part for part in parts if part) + "\n"


_RATIO_LEGEND = (
    "Rates: how many times as many texts a second, more is better. Times and memory: which part of the peer's, less is "
    "better. In brackets the lowest and the highest of the repeats, each against the peer's in the same repeat."
)


def _cost_legend(rows: Sequence[JSON]) -> str:
    return (
        "Start is from nothing to the first vector, RSS after 40 queries. Fidelity is the cosine to "
        f"{_reference(rows)}; batch dependence is 1 − cosine between a text encoded alone and the same text in a "
        "batch of 16."
    )


def conditions(results: JSON) -> str:
    """Say what was measured on and how."""
    machine, settings = _mapping(results["machine"]), _mapping(results["settings"])
    features = machine["features"]
    named = f" ({', '.join(str(name) for name in features)})" if isinstance(features, list) and features else ""
    return (
        f"{machine['cpu']}{named}, {machine['cores']} cores, {machine['system']}; {settings['threads']} threads for "
        f"every tool, {settings['repeats']} repeats, medians; {str(results['created'])[:10]}."
    )


def figures(rows: Sequence[JSON], columns: Sequence[Column], precise: int | None = None) -> str:
    """Write a table of the rows that have figures.

    Args:
        rows: of the results.
        columns: what to show.
        precise: the column from which on five decimals are shown.
    """
    lines = [["", *(column.title for column in columns)]]
    for row in rows:
        if row["error"] is None:
            values = [column.value(row) for column in columns]
            cells = [
                fine(value) if precise is not None and index >= precise else short(value)
                for index, value in enumerate(values)
            ]
            lines.append([str(row["name"]), *cells])
    return table(lines)


def ratios(rows: Sequence[JSON], columns: Sequence[Column] = RATIOS) -> str:
    """Write a table of our figures divided by each peer's, with the spread over the repeats."""
    ours = next(row for row in rows if row["name"] == OURS)
    lines = [["", *(column.title.removesuffix(" ms") for column in columns)]]
    peers = [row for row in rows if is_peer(row) and row["error"] is None]
    lines += [[str(peer["name"]), *(ratio(column, ours, peer) for column in columns)] for peer in peers]
    return table(lines)


def ratio(column: Column, ours: JSON, peer: JSON) -> str:
    """Divide a figure of ours by a peer's: the median of the repeats' ratios, and their range."""
    if column.repeats is not None:
        pairs = list(zip(column.repeats(ours), column.repeats(peer), strict=False))
        each = [our / other for our, other in pairs]
        if not each:
            return _MISSING
        spread = f" ({min(each):.2f}–{max(each):.2f})" if len(each) > 1 else ""
        return f"{median(each):.2f}{spread}"
    our, other = column.value(ours), column.value(peer)
    return _MISSING if our is None or not other else f"{our / other:.2f}"


def table(lines: Sequence[Sequence[str]]) -> str:
    """Write a Markdown table, the first line being its head, numbers to the right."""
    head, *body = lines
    rule = ["---", *("---:" for _ in head[1:])]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, rule, *body))


def rows_of(results: JSON) -> list[JSON]:
    """Return the rows of the results."""
    rows = results["rows"]
    return [_mapping(row) for row in rows] if isinstance(rows, list) else []


def is_peer(row: JSON) -> bool:
    """Whether a row is another tool's."""
    return row["target"] is None


def short(value: float | None) -> str:
    """Write a figure with as many decimals as can mean something."""
    if value is None:
        return _MISSING
    return f"{value:,.0f}" if abs(value) >= _DIGITS else f"{value:.1f}"


def fine(value: float | None) -> str:
    """Write a figure that is near 0 or 1."""
    return _MISSING if value is None else f"{value:.5f}"


def _remarks(rows: Sequence[JSON]) -> str:
    lines = [f"- {row['name']}: {row['error']}" for row in rows if row["error"] is not None]
    for row in rows:
        notes = row.get("notes")
        lines += [f"- {row['name']}: {note}" for note in notes] if isinstance(notes, list) else []
    return "## Remarks\n\n" + "\n".join(lines) if lines else ""


def _reference(rows: Sequence[JSON]) -> str:
    named = (_mapping(row["fidelity"])["against"] for row in rows if row.get("fidelity"))
    return str(next(named, "no reference"))


def _mapping(value: object) -> JSON:
    if not isinstance(value, Mapping):
        raise TypeError(f"{type(value).__name__} where the results have an object: not a file of this format")
    return value
