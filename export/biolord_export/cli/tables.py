"""Figures of an export as tables for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from biolord_export.quantize.report import StaticReport
from biolord_export.reranking.fidelity import RankingReport
from biolord_onnx.artifact.json_fields import Fields

if TYPE_CHECKING:
    from collections.abc import Sequence

    from biolord_export.quantize.report import LinearReport
    from biolord_export.verification.fidelity import FidelityReport
    from biolord_onnx.artifact.json_fields import JSONObject


def report_table(report: FidelityReport | RankingReport) -> str:
    """Lay out what was measured of an artifact."""
    return ranking_table(report) if isinstance(report, RankingReport) else fidelity_table(report)


def ranking_table(report: RankingReport) -> str:
    """Lay out how faithful a reranker is."""
    head = (
        "ranking",
        "queries",
        "candidates",
        "Pearson",
        "Spearman",
        "same best",
        "top-10 overlap",
        "same top-10 order",
    )
    rows = [
        (
            group.kind,
            str(group.queries),
            str(group.candidates),
            *(f"{value:.5f}" for value in (group.pearson, group.spearman)),
            *(f"{100 * value:.1f} %" for value in (group.top1, group.top10, group.same_order)),
        )
        for group in report.groups
    ]
    return "\n".join((_table((head, *rows)), _verdict(report)))


def _verdict(report: FidelityReport | RankingReport) -> str:
    verdict = "passed" if report.passed else f"BELOW THE GATE: {'; '.join(report.shortfalls)}"
    return f"against: {report.reference}; gate: {verdict}"


def fidelity_table(report: FidelityReport) -> str:
    """Lay out a fidelity report."""
    head = ("fidelity", "texts", "cosine mean", "1st pct.", "minimum", "same nearest", "top-10 overlap")
    rows = [
        (
            group.kind,
            str(group.texts),
            *(f"{value:.5f}" for value in (group.cosine_mean, group.cosine_p1, group.cosine_min)),
            *(f"{100 * value:.1f} %" for value in (group.top1, group.top10)),
        )
        for group in report.groups
    ]
    lines = [_table((head, *rows))]
    if report.pairs:
        lines.append(
            f"{report.pairs.pairs} labeled pairs ({report.pairs.origin}): Spearman {report.pairs.spearman:.4f}, "
            f"of the reference {report.pairs.reference:.4f}"
        )
    return "\n".join((*lines, _verdict(report)))


def vocabulary_table(quantization: JSONObject) -> str:
    """Lay out what the member "quantization" of a manifest tells of a kept vocabulary."""
    fields = Fields("manifest.json", quantization).child("vocabulary")
    shares = {group.text("kind"): group for group in fields.children("coverage")}
    cosines = {group.text("kind"): group for group in fields.children("fidelity_to_whole")}
    rows = [
        (
            kind,
            str(group.integer("texts", least=1)),
            *(f"{100 * group.number(key):.1f} %" for key in ("same_texts", "kept_tokens")),
            *(f"{cosines[kind].number(key):.5f}" if kind in cosines else "" for key in ("cosine_mean", "cosine_min")),
        )
        for kind, group in shares.items()
    ]
    head = ("vocabulary", "texts", "tokenized as before", "tokens kept", "cosine mean", "minimum")
    kept, size = (f"{fields.integer(key, least=1):,}" for key in ("kept", "of"))
    origin = fields.text("origin")
    return f"{_table((head, *rows))}\n{kept} of {size} tokens kept, by {origin}; cosines to the float32 graph with all"


def layer_table(reports: Sequence[LinearReport]) -> str:
    """Lay out the report of each linear layer; empty if there is none.

    The errors are shares of each output's power, on calibration texts that took no part in fitting. How many channels
    stayed in float32 is told where any did.
    """
    if not reports:
        return ""
    names = list(dict.fromkeys(report.name for report in reports))
    found = {(report.layer, report.name): report for report in reports}
    numbers = sorted({report.layer for report in reports})
    rows = [(str(number), *(f"{found[number, name].error:.1e}" for name in names)) for number in numbers]
    static = [report for report in reports if isinstance(report, StaticReport)]
    outliers = [sum(report.outliers for report in static if report.layer == number) for number in numbers]
    if any(outliers):
        rows = [(*row, str(count)) for row, count in zip(rows, outliers, strict=True)]
        names.append("float32 channels")
    return _table((("error of layer", *names), *rows))


def _table(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    aligned = (
        [
            cell.rjust(width) if column else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        for row in rows
    )
    return "\n".join("  ".join(cells).rstrip() for cells in aligned)
