"""Links held against known codes."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from biolord_onnx.errors import InputError
from biolord_onnx.link.evaluation.curve import STEPS, curve, threshold_for
from biolord_onnx.link.evaluation.gold import Judged, codes, judge
from biolord_onnx.link.evaluation.html import render
from biolord_onnx.link.evaluation.measures import evaluate
from biolord_onnx.link.evaluation.table import lines
from unit.runtime.link.made import hit

# Scores are numbers of float32, as an index gives them.
JUDGED = [
    *(Judged(rank, float(np.float32(score))) for rank, score in ((1, 0.9), (2, 0.8), (None, 0.7), (11, 0.6))),
    Judged(None, None),
]


def test_gold_cells() -> None:
    """One code, or several of which any is right."""
    assert codes(" D1 ", None) == ("D1",)
    assert codes("D1|D2", None) == ("D1|D2",)
    assert codes("D1| D2|", "|") == ("D1", "D2")
    assert codes(" ", None) == ()


def test_the_first_right_candidate_counts() -> None:
    """Whatever its score."""
    hits = [hit("1", "a", 0.9), hit("2", "b", 0.1), hit("3", "c", 0.0)]
    assert judge(["3", "2"], hits) == Judged(2, 0.9)
    assert judge(["4"], hits) == Judged(None, 0.9)
    assert judge(["4"], []) == Judged(None, None)
    assert judge(["1"], [hit("1", "a", 0.4, exact=True)]) == Judged(1, 1.0)


def test_figures() -> None:
    """By hand, of five terms."""
    found = evaluate(JUDGED, unknown=2, in_index=4, min_score=0.65)
    assert found.hits == ((1, 1 / 5), (5, 2 / 5), (10, 2 / 5), (20, 3 / 5))
    assert found.mrr == (1 + 1 / 2) / 5
    assert (found.chosen.coverage, found.chosen.precision, found.chosen.recall) == (3 / 5, 1 / 3, 1 / 5)
    members = found.members()
    assert (members["terms"], members["without_gold"], members["gold_in_index"]) == (5, 2, 4 / 5)
    assert (members["hit@10"], members["mrr@10"], members["min_score"]) == (2 / 5, 1.5 / 5, 0.65)
    assert isinstance(members["curve"], list)
    assert len(members["curve"]) == 101
    assert members["curve"][65] == {"min_score": 0.65, "coverage": 3 / 5, "precision": 1 / 3, "recall": 1 / 5}
    assert members["curve"][95] == {"min_score": 0.95, "coverage": 0.0, "precision": 1.0, "recall": 0.0}


def test_without_a_threshold_all_candidates_count() -> None:
    """Those that point apart, too."""
    assert evaluate([Judged(1, -0.5)], unknown=0, in_index=1, min_score=None).chosen.linked == 1


def test_nothing_known_is_refused() -> None:
    """There is nothing to compare with."""
    with pytest.raises(InputError, match="none of 3 terms has a code in the gold column"):
        evaluate([], unknown=3, in_index=0, min_score=None)


@given(st.lists(st.builds(Judged, st.none() | st.integers(1, 20), st.none() | st.floats(-1, 1, width=32)), min_size=1))
def test_points_say_what_their_threshold_does(judged: list[Judged]) -> None:
    """As counted one by one; and the advice is the lowest threshold that is as good as it says."""
    points = curve(judged)
    for point in points[:: STEPS // 50]:
        linked = [one for one in judged if one.score is not None and one.score >= np.float32(point.min_score)]
        assert (point.linked, point.right) == (len(linked), sum(one.rank == 1 for one in linked))
    for precision in (0.5, 0.9):
        found = threshold_for(precision, points)
        linking = [point for point in points if point.linked]
        good = [at for at in range(len(linking)) if all(point.precision >= precision for point in linking[at:])]
        assert found == (linking[good[0]] if good else None)


def test_lines_for_a_terminal() -> None:
    """Figures, the curve where it bends, advice."""
    text = "\n".join(lines(evaluate(JUDGED, unknown=2, in_index=4, min_score=None)))
    for line in (
        "terms with a known code  5",
        "terms without            2",
        "their codes in the index 0.8000",
        "Hit@5                    0.4000",
        "MRR@10                   0.3000",
        "precision 90%: --min-score 0.801 links 20.0% of the terms",
    ):
        assert line in text.splitlines()
    shown = re.findall(r"^(\d\.\d\d) ", text, re.MULTILINE)
    assert shown == ["0.60", "0.65", "0.70", "0.75", "0.80", "0.85", "0.90"]
    assert "terms without" not in "\n".join(lines(evaluate([Judged(None, 0.5)], unknown=0, in_index=0, min_score=None)))
    text = "\n".join(lines(evaluate([Judged(None, 0.5)], unknown=0, in_index=0, min_score=None)))
    assert "precision 90%: no threshold gives it" in text


def test_the_page_stands_alone() -> None:
    """Figures, a plot, no address, and a title that is text."""
    page = render(evaluate(JUDGED, unknown=0, in_index=4, min_score=-0.5), "a <b> & names.csv")
    assert "<h1>a &lt;b&gt; &amp; names.csv</h1>" in page
    assert "<dt>MRR@10</dt><dd>0.3000</dd>" in page
    assert page.count("<polyline") == 2
    assert not re.search(r"https?://", page)
    assert "<script" not in page
