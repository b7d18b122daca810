"""The exporter's fixtures, for this folder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from unit.export.few_texts import few_texts
from unit.export.fixtures import biolord, checkpoint, exported, place

__all__ = ["biolord", "checkpoint", "exported", "place"]


@pytest.fixture(autouse=True)
def _few_texts(request: pytest.FixtureRequest) -> Iterator[None]:
    """Calibrate and verify on few texts, but where a test is about all of them."""
    if "all_texts" in request.fixturenames:
        yield
        return
    with few_texts():
        yield


@pytest.fixture
def all_texts() -> None:
    """Leave the exporter all its texts."""
