"""What is said of the machine."""

from __future__ import annotations

import os

import pytest

from biolord_bench.run.machine import describe_machine
from biolord_onnx.session.cpu import NOTEWORTHY_FEATURES, cpu_features, cpu_model


def test_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its CPU and its cores, whatever number of threads the environment asks for."""
    monkeypatch.setenv("BIOLORD_THREADS", "77")
    machine = describe_machine()
    assert machine.cpu == cpu_model()
    assert set(machine.features) == cpu_features() & set(NOTEWORTHY_FEATURES)
    assert 1 <= machine.cores <= (os.cpu_count() or 1)
    assert machine.memory_mb > 100
    assert len(machine.system.split()) >= 3
