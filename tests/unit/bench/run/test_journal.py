"""What was measured once isn't lost and isn't measured again."""

from __future__ import annotations

from pathlib import Path

import pytest

from biolord_bench.run.journal import Entry, Journal
from biolord_onnx.errors import InputError

FIRST = Entry("row", 0, "names", {"texts": 3, "seconds": 0.5, "ms": [1.0, 2.0]})
SECOND = Entry("row", 1, "names", None, "it broke")


def test_entries_come_back(tmp_path: Path) -> None:
    """A second opening holds what the first one was given."""
    with Journal(tmp_path / "journal.jsonl", "a run") as journal:
        journal.add(SECOND)
        journal.add(FIRST)
    with Journal(tmp_path / "journal.jsonl", "a run") as journal:
        assert journal.of("row", "names") == [FIRST, SECOND]
        assert journal.entries[FIRST.key] == FIRST
        assert journal.of("row", "long") == []


@pytest.mark.parametrize("torn", [1, 20, -1])
def test_a_torn_last_line_is_dropped(tmp_path: Path, torn: int) -> None:
    """A process that was killed while it wrote leaves whole entries and goes on behind them."""
    path = tmp_path / "journal.jsonl"
    with Journal(path, "a run") as journal:
        journal.add(FIRST)
        whole = path.read_bytes()
        journal.add(SECOND)
    path.write_bytes(whole + path.read_bytes()[len(whole) :][:torn])
    with Journal(path, "a run") as journal:
        assert list(journal.entries.values()) == [FIRST]
        journal.add(SECOND)
    with Journal(path, "a run") as journal:
        assert list(journal.entries.values()) == [FIRST, SECOND]


def test_figures_are_read_by_kind() -> None:
    """A figure that isn't there is None or empty, never a zero."""
    assert FIRST.number("seconds") == 0.5
    assert FIRST.numbers("ms") == [1.0, 2.0]
    assert FIRST.number("ms") is None
    assert FIRST.numbers("seconds") == []
    assert SECOND.number("seconds") is None
    assert SECOND.numbers("ms") == []


def test_the_journal_of_another_run_is_refused(tmp_path: Path) -> None:
    """Figures of two versions or of other models must not get into one table."""
    Journal(tmp_path / "journal.jsonl", "a run").close()
    with pytest.raises(InputError, match="is the journal of another run \\(a run, this one is another\\)"):
        Journal(tmp_path / "journal.jsonl", "another")


@pytest.mark.parametrize("content", [b"notes\n", b'{"run": "a run"}\n{"row": 1}\n', b"\xff\n"])
def test_a_file_that_is_no_journal_is_left_alone(tmp_path: Path, content: bytes) -> None:
    """It may be anything: nothing is written to it."""
    path = tmp_path / "notes.txt"
    path.write_bytes(content)
    with pytest.raises(InputError, match="is no journal of biolord bench"):
        Journal(path, "a run")
    assert path.read_bytes() == content
