"""Memory of large requests is given back after the last of them, and again when what they left behind has ended."""

from __future__ import annotations

import asyncio
import time

import pytest

from biolord_onnx.server import memory
from biolord_onnx.server.memory import Trimmer


def test_it_is_given_back_soon_and_once_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """Several that ask within a moment are one."""
    monkeypatch.setattr(memory, "REST_S", 0.05)
    monkeypatch.setattr(memory, "LAST_S", 0.3)
    times: list[float] = []
    trimmer = Trimmer(lambda: times.append(time.monotonic()))

    async def ask() -> None:
        trimmer.plan()
        trimmer.plan()
        while len(times) < 1:
            await asyncio.sleep(0.01)
        trimmer.plan()  # sooner than what is planned already
        while len(times) < 3:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.5)

    asyncio.run(ask())
    assert len(times) == 3
    assert times[2] - times[0] >= 0.29


def test_a_c_library_that_needs_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is planned there."""
    monkeypatch.setattr("ctypes.CDLL", lambda _: object())
    Trimmer(lambda: pytest.fail("there is nothing to free")).plan()
