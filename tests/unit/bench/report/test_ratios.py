"""Ratios of the first artifact to each other tool."""

from __future__ import annotations

from msgspec.structs import replace

from biolord_bench.report.ratios import ratios
from biolord_bench.results.figures import Bulk
from biolord_bench.results.results import Row
from unit.bench.results.sample import failed_row, row


def numbered(*rows: Row) -> list[tuple[str, Row]]:
    """Number rows."""
    return [(str(number), one) for number, one in enumerate(rows, start=1)]


def test_ratios_are_of_the_same_repeat() -> None:
    """Ours is divided by the peer's of the same repeat; the median stands with the lowest and the highest."""
    peer = replace(row("torch"), target=None, start=None)
    bulk = Bulk("names", 9, 100.0, 1.0, None, (100.0, 200.0))
    table = ratios(numbered(failed_row(), row("ours"), replace(peer, bulk=(bulk,))))
    assert table.title == "Ratios: ours to each"
    assert table.header == ("#", "", "names/s", "passages/s", "query p50", "start", "RSS")
    assert table.rows == (("3", "torch", "2.23 (1.55–2.90)", "–", "1.00 (1.00–1.00)", "–", "1.00"),)


def test_one_repeat_has_no_spread() -> None:
    """A range of one value would feign certainty."""
    table = ratios(numbered(row("ours", speed=4.0), replace(row("torch"), target=None)))
    assert table.rows[0][3] == "4.00"


def test_ours_alone_have_no_ratios() -> None:
    """There is nobody to compare with; nor is there without ours."""
    assert ratios(numbered(row("a"), row("b"))).rows == ()
    assert ratios(numbered(replace(row("torch"), target=None))).rows == ()
