"""The wheel, built once a run."""

from __future__ import annotations

from pathlib import Path

import pytest

from guards.wheels import build_wheel


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this tree for this machine."""
    return build_wheel(tmp_path_factory.mktemp("wheel"))
