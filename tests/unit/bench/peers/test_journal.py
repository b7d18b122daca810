"""What was measured once isn't lost and isn't measured again."""

from __future__ import annotations

from pathlib import Path

import pytest

from biolord_bench.peers.journal import Entry, Journal

FIRST = Entry("row", 0, "names", {"texts": 3, "seconds": 0.5, "ms": [1.0, 2.0]})
SECOND = Entry("row", 1, "names", None, "it broke")


def test_entries_come_back(tmp_path: Path) -> None:
    """A second opening holds what the first one was given."""
    with Journal(tmp_path / "build" / "journal.jsonl") as journal:
        journal.add(SECOND)
        journal.add(FIRST)
    with Journal(tmp_path / "build" / "journal.jsonl") as journal:
        assert journal.of("row", "names") == [FIRST, SECOND]
        assert journal.entries[FIRST.key] == FIRST
        assert journal.of("row", "long") == []


@pytest.mark.parametrize("torn", [1, 20, -1])
def test_a_torn_last_line_is_dropped(tmp_path: Path, torn: int) -> None:
    """A process that was killed while it wrote leaves whole entries and goes on behind them."""
    path = tmp_path / "journal.jsonl"
    with Journal(path) as journal:
        journal.add(FIRST)
        whole = path.read_bytes()
        journal.add(SECOND)
    path.write_bytes(whole + path.read_bytes()[len(whole) :][:torn])
    with Journal(path) as journal:
        assert list(journal.entries.values()) == [FIRST]
        journal.add(SECOND)
    with Journal(path) as journal:
        assert list(journal.entries.values()) == [FIRST, SECOND]


def test_figures_are_read_by_kind() -> None:
    """A figure that isn't there is None or empty, never a zero."""
    assert FIRST.number("seconds") == 0.5
    assert FIRST.numbers("ms") == [1.0, 2.0]
    assert FIRST.number("ms") is None
    assert FIRST.numbers("seconds") == []
    assert SECOND.number("seconds") is None
    assert SECOND.numbers("ms") == []
