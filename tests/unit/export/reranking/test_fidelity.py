"""How rankings are compared and judged."""

from __future__ import annotations

import json

import numpy as np
import pytest

from biolord_export.cli.tables import report_table
from biolord_export.errors import ExportError, FidelityError
from biolord_export.reranking.fidelity import RankingGate, RankingReport, compare_rankings, judge_rankings
from biolord_export.reranking.gates import RANKING_GATES, find_ranking_gate
from biolord_export.reranking.queries import CANDIDATES, QUERIES, calibration_pairs, make_queries

EXACT = [np.arange(20, dtype=np.float32)[::-1].copy(), np.arange(12, dtype=np.float32)]
GATE = RankingGate(0.9, 0.9, 0.9)


def test_equal_scores_are_an_equal_ranking() -> None:
    """Whatever was added to them or they were multiplied with."""
    found = compare_rankings("names", EXACT, [scores * 2 + 1 for scores in EXACT])
    assert (found.queries, found.candidates) == (2, 20)
    assert found.pearson == pytest.approx(1)
    assert (found.spearman, found.top1, found.top10, found.same_order) == (1, 1, 1, 1)
    assert found.largest_difference == 20
    assert judge_rankings("it", [found], GATE).passed


def test_what_changed_is_told_apart() -> None:
    """The best two swapped in one query of two; a candidate of the ten best lost in the other."""
    found = [scores.copy() for scores in EXACT]
    found[0][:2] = found[0][[1, 0]]
    found[1][2] = 0.5  # tenth best before, behind what was eleventh
    group = compare_rankings("names", EXACT, found)
    assert group.top1 == 0.5
    assert group.top10 == pytest.approx(0.95)
    assert group.same_order == 0
    report = judge_rankings("it", [group], RankingGate(0.9, 0.9, 0.96))
    assert report.shortfalls == ("names: top10 0.950000 is below 0.96",)
    assert "BELOW THE GATE: names: top10 0.950000 is below 0.96" in report_table(report)


def test_a_report_survives_its_file() -> None:
    """As JSON in a manifest."""
    report = judge_rankings("it", [compare_rankings("names", EXACT, EXACT)], GATE)
    assert RankingReport.from_json(json.loads(json.dumps(report.to_json())), "m.json") == report
    table = report_table(report).splitlines()
    assert table[0].split()[:4] == ["ranking", "queries", "candidates", "Pearson"]
    assert table[1].split()[:3] == ["names", "2", "20"]
    assert table[2] == "against: it; gate: passed"


def test_scores_that_do_not_vary_correlate_with_nothing() -> None:
    """No division by zero."""
    flat = [np.ones_like(scores) for scores in EXACT]
    assert compare_rankings("names", flat, EXACT).pearson == 0


def test_scores_that_are_none_are_refused() -> None:
    """With how many."""
    broken = [EXACT[0], np.full(12, np.nan, np.float32)]
    with pytest.raises(FidelityError, match="names: 12 of 32 pairs have scores that aren't finite"):
        compare_rankings("names", EXACT, broken)


def test_targets_without_rerankers_are_refused() -> None:
    """The traced ones."""
    assert find_ranking_gate("cpu-int8") == RANKING_GATES["cpu-int8"]
    with pytest.raises(ExportError, match=r"can't be exported to portable-int8, .*take --target cpu-int8, cpu-int4"):
        find_ranking_gate("portable-int8")


def test_candidates_are_spelled_like_their_query() -> None:
    """Best first, the query itself not among them, equal texts once."""
    names = [
        f"{disease} of the {place}" for disease in ("fracture", "cyst", "burn") for place in ("hand", "foot", "knee")
    ]
    (query, *_) = make_queries({"names": [*names, *names]})["names"]
    assert query.text == "fracture of the hand"
    assert len(query.candidates) == len(set(query.candidates)) == 8
    assert query.text not in query.candidates
    assert set(query.candidates[:2]) == {"fracture of the foot", "fracture of the knee"}


def test_as_many_queries_as_the_kind_has_and_no_more_candidates_than_a_search_gives() -> None:
    """At even distances; of a kind that isn't built in at most a hundred."""
    texts = [f"{number:04d} name" for number in range(300)]
    found = make_queries({"names": texts, "yours": texts})
    assert len(found["names"]) == QUERIES["names"]
    assert len(found["yours"]) == 100
    assert {len(query.candidates) for query in found["names"]} == {CANDIDATES}
    assert found["names"][-1].text == texts[-1]


def test_calibration_sees_pairs_that_fit_and_that_do_not() -> None:
    """A third with itself, a third with its neighbor, the rest with others; each text once as a query."""
    texts = [f"text {number}" for number in range(30)]
    pairs = list(calibration_pairs(texts))
    assert [first for first, _ in pairs] == texts
    assert sum(first == second for first, second in pairs) == 10
    neighbors = {(texts[number], texts[(number + 1) % 30]) for number in range(30)}
    assert sum(pair in neighbors for pair in pairs) >= 10
