"""In which order what waits for a thread is taken."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from biolord_onnx.server.work.line import Line


@given(st.lists(st.integers(1, 100), min_size=1, max_size=30), st.integers(2, 9))
def test_everything_is_taken_once(costs: list[int], divisor: int) -> None:
    """In the order of what it costs, taken one by one or together."""
    line: Line[int] = Line()
    for place, cost in enumerate(costs):
        line.add(cost, place)
    together = [place for place in range(len(costs)) if not place % divisor]
    by_cost = sorted(range(len(costs)), key=lambda place: (costs[place], place))
    assert line.take_more(lambda place: place in together) == [place for place in by_cost if place in together]
    rest = [place for place in by_cost if place not in together]
    assert [line.take() for _ in rest] == rest
    line.close()
    assert line.take() is None


def test_nobody_waits_for_ever() -> None:
    """Though those who ask for little come again and again."""
    line: Line[str] = Line()
    line.add(50, "large")
    taken = []
    while "large" not in taken:
        line.add(1, "small")
        taken.append(line.take())
        assert len(taken) < 200
    assert len(taken) > 10
