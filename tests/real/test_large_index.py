"""What `large_index` prints, of twenty thousand names: answers are those of an exact scan, and come sooner."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from biolord_bench.workloads.writer import names
from biolord_onnx import Embedder
from biolord_onnx.artifact.folder import Artifact
from real import large_index
from real.large_index import main

pytestmark = pytest.mark.real


def test_answers_are_those_of_an_exact_scan(
    demo_artifact: Artifact,
    tmp_path: Path,
    figure: Callable[[str], None],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """All of them with the low bits, nearly all without; a batch of queries takes less time than it takes numpy."""
    monkeypatch.setattr(large_index, "QUERIES", 500)
    with Embedder.load(demo_artifact.path) as embedder:
        np.save(tmp_path / "names.npy", embedder.encode(names(3000), normalize=True))
    main([str(demo_artifact.path), str(tmp_path / "names.npy"), "--rows", "20000", "--peers", "numpy float32"])
    out = capfd.readouterr().out
    for line in out.splitlines():
        figure(f"index of 20,000 names: {line}")
    shares = [float(share) for share in re.findall(r"the same 10 for ([0-9.]+)%", out)]
    overlaps = [float(share) for share in re.findall(r"overlap ([0-9.]+); where", out)]
    assert shares[0] >= 99.9
    assert overlaps[1] >= 0.985
    ours, _, numpy = (float(each) for each in re.findall(r"at once ([0-9.]+) ms each", out))
    assert ours < numpy
