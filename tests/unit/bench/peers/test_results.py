"""The committed results."""

from __future__ import annotations

from biolord_bench.peers.readme import RESULTS
from biolord_bench.peers.tables import OURS
from biolord_bench.results import Results


def test_the_committed_results_are_what_biolord_bench_merges() -> None:
    """One format for both, so that peers can stand beside one's own rows on a page; most rows have figures."""
    results = Results.from_json(RESULTS.read_text(encoding="utf-8"), str(RESULTS))
    names = [row.name for row in results.rows if row.error is None]
    assert OURS in names
    assert len(names) - sum(name.startswith("biolord-onnx") for name in names) >= 8
