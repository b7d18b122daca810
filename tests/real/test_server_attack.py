"""A server with a real model under attack: a client with a key gets its vectors, and the memory comes back."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from biolord_onnx.artifact.folder import Artifact
from real import attack
from real.attack import MOST_GROWTH, STOPS_IN_S, attacks, main
from real.slowness import slowness

pytestmark = pytest.mark.real


def test_nobody_else_notices(
    demo_artifact: Artifact,
    figure: Callable[[str], None],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """No refusal, no fault of the server, no memory kept; it stops in time. Milliseconds are only told."""
    monkeypatch.setattr(attack, "ALONE_S", 3.0)
    main([str(demo_artifact.path), "--seconds", "2", "--connections", "64"])
    out = capsys.readouterr().out
    for line in out.splitlines():
        figure(f"server under attack: {line}")
    assert out.count("refused {};") == len(attacks())
    assert not re.search(r"[{ ]5\d\d: ", out)
    assert float(out.split(" resident, ")[1].split(" of before")[0]) <= MOST_GROWTH
    assert float(out.split("ended ")[1].split(" s after")[0]) <= STOPS_IN_S * slowness(Path(sys.executable))
    assert "after SIGTERM with 0" in out
    assert " 0 tracebacks" in out
