"""In which order texts run: laws of the fair queue."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from biolord_onnx.server.work.queue import LOOK_AHEAD, QUERY_TOKENS, FairQueue, Work
from biolord_onnx.session.session import Output

BUDGET = 32


def work(lengths: list[int], output: Output = "unit_embedding") -> Work:
    """A request of texts with so many tokens."""
    return Work([[0] * length for length in lengths], output, np.empty((len(lengths), 1), np.float32), lambda _: None)


REQUESTS = st.lists(st.lists(st.integers(1, 40), min_size=1, max_size=20), max_size=8)


@given(REQUESTS, st.booleans())
def test_every_text_runs_once(requests: list[list[int]], padded: bool) -> None:
    """Within the budget, a longer text alone; tokens and texts that wait are counted."""
    queue = FairQueue(BUDGET, padded=padded)
    works = [work(lengths, ("unit_embedding", "sentence_embedding")[len(lengths) % 2]) for lengths in requests]
    for one in works:
        queue.add(one)
    left = sum(map(sum, requests))
    seen = []
    while (run := queue.take()) is not None:
        assert run.lengths.max() * len(run.parts) <= BUDGET or len(run.parts) == 1
        assert padded or len(set(run.lengths.tolist())) == 1
        assert {one.output for one, _ in run.parts} == {run.output}
        assert [len(ids) for ids in run.ids] == run.lengths.tolist()
        left -= int(run.lengths.sum())
        assert queue.tokens == left
        seen += [(id(one), place) for one, place in run.parts]
    assert (queue.texts, queue.tokens) == (0, 0)
    assert sorted(seen) == sorted((id(one), place) for one in works for place in range(len(one.ids)))


@given(st.integers(1, 300), st.integers(0, 20))
def test_a_query_never_waits_behind_a_large_request(texts: int, done: int) -> None:
    """It is in the next run, however much of the large one is left."""
    queue = FairQueue(BUDGET, padded=True)
    queue.add(work([10] * texts))
    for _ in range(done):
        queue.take()
    query = work([10])
    queue.add(query)
    runs = [queue.take(), queue.take()]
    assert any(run and query in [one for one, _ in run.parts] for run in runs)


def test_queries_starve_nobody() -> None:
    """A large request goes on while queries come in without end."""
    queue = FairQueue(BUDGET, padded=True)
    large = work([16] * 40)
    queue.add(large)
    served = 0
    for _ in range(60):
        queue.add(work([16]))
        run = queue.take()
        assert run
        served += sum(one is large for one, _ in run.parts)
    assert 5 <= served < 40


def test_dropped_requests_neither_run_nor_count() -> None:
    """From the moment that their client hung up: others would be told that the queue is full."""
    queue = FairQueue(BUDGET, padded=True)
    gone, kept = work([4] * (LOOK_AHEAD + 9)), work([4])
    for one in (gone, kept):
        queue.add(one)
    queue.drop(gone)
    queue.drop(gone)
    assert (queue.texts, queue.tokens) == (1, 4)
    run = queue.take()
    assert run
    assert [one for one, _ in run.parts] == [kept]
    assert queue.take() is None
    assert (queue.texts, queue.tokens) == (0, 0)


@given(st.lists(st.lists(st.integers(1, 40), min_size=1, max_size=200), min_size=1, max_size=8), st.data())
def test_the_count_is_what_will_run(requests: list[list[int]], data: st.DataObject) -> None:
    """Whatever is dropped, and when; nor is a line of dropped texts kept."""
    queue = FairQueue(BUDGET, padded=True)
    works = [work(lengths) for lengths in requests]
    for one in works:
        queue.add(one)
    for _ in range(data.draw(st.integers(0, 9))):
        queue.take()
    dropped = data.draw(st.lists(st.sampled_from(works), unique_by=id))
    for one in dropped:
        queue.drop(one)
    assert len(queue._heap) <= 2 * queue.texts + LOOK_AHEAD
    texts, tokens, ran = queue.texts, queue.tokens, []
    while (run := queue.take()) is not None:
        ran += run.lengths.tolist()
        assert not any(one in dropped for one, _ in run.parts)
    assert (len(ran), sum(ran)) == (texts, tokens)
    assert (queue.texts, queue.tokens, queue._requests) == (0, 0, 0)


def test_a_query_runs_without_a_large_request_s_texts() -> None:
    """Those far behind it stay where they are; other queries come along."""
    queue = FairQueue(BUDGET, padded=True)
    large = work([8] * 40)
    queue.add(large)
    for _ in range(3):
        queue.take()
    queries = [work([8]), work([8])]
    for query in queries:
        queue.add(query)
    runs = [queue.take(), queue.take()]
    (run,) = [run for run in runs if run and queries[0] in [one for one, _ in run.parts]]
    assert queries[1] in [one for one, _ in run.parts]
    assert sum(one is large for one, _ in run.parts) <= 2


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(1, QUERY_TOKENS + 9)), max_size=60))
def test_queries_taken_out_of_turn_run_once(steps: list[tuple[int, int]]) -> None:
    """Whatever is added, taken and dropped between; larger requests keep their turn, and nothing is kept."""
    queue, works, ran = FairQueue(BUDGET, padded=True), list[Work](), list[Work]()
    for what, tokens in steps:
        if what == 0:
            works.append(work([tokens] * (1 + tokens % 2)))
            queue.add(works[-1])
        elif what == 1 and (run := queue.take()):
            ran += [one for one, place in run.parts if place == 0]
        elif what == 2 and works:
            queue.drop(works[tokens % len(works)])
        elif what == 3:
            waits = queue.has_query
            run = queue.take_query()
            assert (run is not None) == waits
            if run:
                ((one, place),) = run.parts
                assert (len(one.ids), place) == (1, 0)
                assert run.lengths.tolist() == [len(one.ids[0])]
                assert run.lengths[0] <= QUERY_TOKENS
                ran.append(one)
        assert len(queue._queries) <= 2 * queue.texts + LOOK_AHEAD
    while run := queue.take():
        ran += [one for one, place in run.parts if place == 0]
    assert len(set(map(id, ran))) == len(ran)
    assert not queue.has_query
    assert (queue.texts, queue.tokens, queue._requests) == (0, 0, 0)


def test_queries_that_were_dropped_are_not_kept() -> None:
    """Behind one that waits, while thousands come and go."""
    queue = FairQueue(BUDGET, padded=True)
    queue.add(work([4]))
    for _ in range(5 * LOOK_AHEAD):
        gone = work([4])
        queue.add(gone)
        queue.drop(gone)
        assert len(queue._queries) <= 2 * queue.texts + LOOK_AHEAD + 1
    assert queue.take_query()
    assert not queue.has_query
