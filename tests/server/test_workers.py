"""What becomes of a worker process that can't serve, or whose parent is gone."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from queue import SimpleQueue
from types import SimpleNamespace

import pytest

from biolord_onnx.server import workers
from biolord_onnx.server.settings import ServerSettings
from server.failing import serve_nothing


@pytest.mark.usefixtures("measured")
def test_a_worker_that_cannot_serve_says_why(capfd: pytest.CaptureFixture[str]) -> None:
    """In a line, and with an exit code that tells its parent."""
    context = multiprocessing.get_context("spawn")
    process = context.Process(target=workers._work, args=(serve_nothing, ServerSettings("an artifact"), ()))
    process.start()
    process.join(60)
    assert process.exitcode == 2
    assert "an artifact is gone, 0 sockets wait" in capfd.readouterr().err


def test_a_worker_whose_parent_is_gone_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """It asks its server to stop, gives that a moment, and doesn't wait for what holds it up."""
    done: list[object] = []
    mine, parents = multiprocessing.Pipe()
    parents.close()
    monkeypatch.setattr(multiprocessing, "parent_process", lambda: SimpleNamespace(sentinel=mine))
    monkeypatch.setattr(os, "kill", lambda _, number: done.append(number))
    monkeypatch.setattr(time, "sleep", done.append)
    monkeypatch.setattr(os, "_exit", done.append)
    workers._watch_parent()
    assert done == [signal.SIGTERM, workers.ORPHANED_S, 1]


def test_a_signal_is_waited_for_and_stays() -> None:
    """The loop that asks next sees it, too; and none is none."""
    signals: SimpleQueue[int] = SimpleQueue()
    assert not workers._came(signals, 0.01)
    signals.put(signal.SIGTERM)
    assert workers._came(signals, 0.01)
    assert not signals.empty()
