"""The progress bar."""

from __future__ import annotations

import sys

import pytest

from biolord_onnx.encoding.progress import progress_bar
from biolord_onnx.errors import MissingDependencyError


def test_it_counts_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    """A bar shows done and total on stderr and leaves stdout alone."""
    with progress_bar(4, shown=True) as advance:
        advance(1)
        advance(3)
    captured = capsys.readouterr()
    assert "4/4" in captured.err
    assert captured.out == ""


def test_it_is_silent_when_not_wanted(capsys: pytest.CaptureFixture[str]) -> None:
    """Without a bar nothing is printed."""
    with progress_bar(4, shown=False) as advance:
        advance(4)
    assert capsys.readouterr() == ("", "")


def test_a_missing_tqdm_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever wants a bar is told what to install."""
    monkeypatch.setitem(sys.modules, "tqdm", None)
    with pytest.raises(MissingDependencyError, match="pip install tqdm"), progress_bar(1, shown=True):
        pytest.fail("the body must not run")


def test_without_a_bar_tqdm_is_not_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tqdm is optional."""
    monkeypatch.setitem(sys.modules, "tqdm", None)
    with progress_bar(1, shown=False) as advance:
        assert advance(1) is None
