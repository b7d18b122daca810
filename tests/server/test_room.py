"""How much may be under way."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biolord_onnx.server.problems import OVERLOADED, ApiError
from biolord_onnx.server.work.room import Room


@given(st.integers(1, 50), st.lists(st.integers(1, 60), max_size=20))
def test_no_more_than_the_most_is_held(most: int, amounts: list[int]) -> None:
    """But for a request that comes when nothing is; what ends leaves its room, also after an error."""
    room = Room(most, "queries")
    holds = []
    for amount in amounts:
        hold, before = room.hold(amount), room.held
        if before and before + amount > most:
            with pytest.raises(ApiError, match=f"^{before} queries wait, {amount} more would exceed {most}: ") as told:
                hold.__enter__()
            assert (told.value.problem, told.value.retry_after_s) == (OVERLOADED, 2)
        else:
            hold.__enter__()
            holds.append(hold)
            assert room.held == before + amount
    for hold in holds:
        hold.__exit__(None, None, None)
    assert room.held == 0
    with pytest.raises(ZeroDivisionError), room.hold(1):
        raise ZeroDivisionError
    assert room.held == 0
