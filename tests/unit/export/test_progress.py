"""Progress of an export."""

from __future__ import annotations

import io
import sys

import pytest

from biolord_export.progress import track


class Terminal(io.StringIO):
    """A stderr that says it is a terminal."""

    def isatty(self) -> bool:
        """Say so."""
        return True


def test_a_terminal_shows_a_bar_with_its_label(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever waits sees what for."""
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    assert list(track([1, 2, 3], "calibrating")) == [1, 2, 3]
    assert "calibrating" in terminal.getvalue()


def test_a_log_file_stays_clean(capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is drawn where nobody watches."""
    assert list(track("ab", "calibrating")) == ["a", "b"]
    assert capsys.readouterr().err == ""
