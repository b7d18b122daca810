"""Fixtures of the tests on other CPUs."""

from __future__ import annotations

import pytest

from emulated.emulator import Emulator, find_emulator
from unit.export.fixtures import exported

__all__ = ["emulator", "exported"]


@pytest.fixture(scope="session")
def emulator() -> Emulator:
    """Give the emulator, or skip."""
    return find_emulator()
