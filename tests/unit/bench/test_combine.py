"""Joining repeats into a row."""

from __future__ import annotations

from dataclasses import replace

import pytest

from biolord_bench.combine import combine
from biolord_bench.figures import Memory, Roofline, Start
from biolord_bench.protocol import Answer
from biolord_bench.results import Row
from unit.bench.sample import bare, row

MACS = 85_000_000


def answer(one: Row, *, integer: bool = True) -> Answer:
    """Make an answer with what a worker would say of the graph."""
    return Answer(one, {"names": 9000}, MACS, integer)


def repeats(*speeds: float) -> list[Answer]:
    """Make repeats of other speeds; what is measured once stands in the first."""
    first, *others = [row(speed=speed) for speed in speeds]
    later = [replace(one, stages=None, grid=None, roofline=None, fidelity=None) for one in others]
    return [answer(replace(first, roofline=Roofline(870.0, 220.0, None, None))), *map(answer, later)]


def test_medians_are_taken() -> None:
    """Of each figure over the processes."""
    combined = combine(repeats(1.0, 2.0, 4.0))
    assert combined.query is not None
    assert (combined.query.p50_ms, combined.query.p95_ms, combined.query.p99_ms) == (4.0, 6.0, 8.0)
    assert combined.query.repeats_p50_ms == (8.0, 4.0, 2.0)
    names = combined.bulk_of("names")
    assert names is not None
    assert (names.texts, names.texts_per_s, names.tokens_per_s, names.cpu_s_per_1000) == (1000, 600.0, 5400.0, 1.75)
    assert names.repeats_texts_per_s == (300.0, 600.0, 1200.0)
    assert combined.query_during_bulk is not None
    assert combined.query_during_bulk.p50_ms == 10.0


def test_what_is_measured_once_is_kept() -> None:
    """Stages, grid and fidelity are the first process's."""
    combined = combine(repeats(1.0, 2.0))
    assert (combined.stages, combined.grid, combined.fidelity) == (row().stages, row().grid, row().fidelity)


def test_one_repeat_is_its_own_median() -> None:
    """But for the list of repeats, which is that of the medians."""
    combined = combine(repeats(1.0))
    assert combined.start == row().start
    assert combined.memory == row().memory
    assert combined.idle_cpu_percent == row().idle_cpu_percent


@pytest.mark.parametrize(("integer", "peak"), [(True, 870.0), (False, 220.0)])
def test_the_share_of_the_roofline(*, integer: bool, peak: float) -> None:
    """Two operations per multiplication and token, in the fastest bulk job, of the peak in the model's own format."""
    answers = [replace(one, integer=integer) for one in repeats(1.0)]
    roofline = combine(answers).roofline
    assert roofline is not None
    assert roofline.bulk_gops == pytest.approx(2 * MACS * 3000 / 1e9)
    assert roofline.share == pytest.approx(2 * MACS * 3000 / 1e9 / peak)


def test_without_figures_there_are_none_afterwards() -> None:
    """What no process measured stays unknown, and isn't 0."""
    combined = combine([answer(bare(row()))] * 2)
    assert combined.start == Start(None, None, None, None)
    assert combined.memory == Memory(None, None, None, None)
    assert combined.roofline == Roofline(None, None, None, None)
    assert (combined.query, combined.bulk, combined.query_during_bulk, combined.idle_cpu_percent) == (None,) * 4


def test_a_peak_that_is_not_known_gives_no_share() -> None:
    """The operations are known all the same."""
    answers = [answer(replace(row(), roofline=Roofline(None, None, None, None)))]
    roofline = combine(answers).roofline
    assert roofline is not None
    assert roofline.bulk_gops is not None
    assert roofline.share is None
