"""The journal."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from biolord_onnx.bulk.journal import MEMORY, Identity, Journal, refuse_held
from biolord_onnx.bulk.parts import Part
from biolord_onnx.errors import InputError

SAME = Identity((("input", "3 rows"), ("--precision", "float32")))
NONE = np.zeros(0, np.bool_)


def uncut(part: Part) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Say that no text of a part was cut."""
    return np.zeros(len(part.texts), np.bool_)


def test_repeated_texts_are_found() -> None:
    """In the part and in earlier ones."""
    with closing(Journal(MEMORY, "o")) as journal:
        assert journal.begin(SAME) == 0
        first = journal.part(["a", "b", "a"], 0)
        assert (first.texts, first.rows.tolist()) == (["a", "b"], [0, 1])
        assert (first.copies.tolist(), first.originals.tolist()) == ([2], [0])
        second = journal.part(["b", "c", "c", "é"], 3)
        assert (second.start, second.stop, second.texts, second.rows.tolist()) == (3, 7, ["c", "é"], [4, 6])
        assert (second.copies.tolist(), second.originals.tolist()) == ([3, 5], [1, 4])


def test_only_what_is_committed_is_done(tmp_path: Path) -> None:
    """A killed process has noted texts as seen that nobody encoded: reading them again finds them new."""
    place = tmp_path / "journal"
    with closing(Journal(place, "o")) as journal:
        journal.begin(SAME)
        part = journal.part(["a", "b"], 0)
        journal.part(["c", "a"], 2)  # of another process's look ahead
        journal.commit(part, uncut(part))
        journal.part(["d"], 4)
    with closing(Journal(place, "o")) as journal:
        assert journal.begin(SAME) == 2
        part = journal.part(["c", "a", "d", "c"], 2)
        assert (part.texts, part.rows.tolist()) == (["c", "d"], [2, 4])
        assert (part.copies.tolist(), part.originals.tolist()) == ([3, 5], [0, 2])


def test_cut_texts_are_counted_with_their_copies(tmp_path: Path) -> None:
    """A text that occurs three times and is cut is three rows that were cut, across runs, too."""
    place = tmp_path / "journal"
    with closing(Journal(place, "o")) as journal:
        journal.begin(SAME)
        part = journal.part(["long", "short", "long", "short"], 0)
        journal.commit(part, np.array([True, False]))
        assert journal.count_truncated() == 2
    with closing(Journal(place, "o")) as journal:
        journal.begin(SAME)
        part = journal.part(["short", "long"], 4)
        journal.commit(part, NONE)
        assert journal.count_truncated() == 3


def test_another_run_is_refused(tmp_path: Path) -> None:
    """With what differs, and both values: nothing of the interrupted run is lost."""
    place = tmp_path / "journal"
    with closing(Journal(place, "o.npy")) as journal:
        journal.begin(SAME)
        part = journal.part(["a"], 0)
        journal.commit(part, uncut(part))
    other = Identity((("input", "3 rows"), ("--precision", "int8")))
    message = (
        "o.npy: 1 rows of an interrupted run are there, but its --precision was float32, and is int8 now: "
        "run it as it was to go on, or start anew with --restart"
    )
    with closing(Journal(place, "o.npy")) as journal, pytest.raises(InputError) as raised:
        journal.begin(other)
    assert str(raised.value) == message
    with closing(Journal(place, "o.npy")) as journal:
        assert journal.begin(SAME) == 1


def test_two_runs_do_not_write_one_file(tmp_path: Path) -> None:
    """The second is refused while the first lives."""
    place = tmp_path / "journal"
    with closing(Journal(place, "o.npy")) as journal:
        journal.begin(SAME)
        with pytest.raises(InputError, match=r"another process is writing o\.npy: wait for it, or choose another"):
            Journal(place, "o.npy")
    Journal(place, "o.npy").close()


def test_a_held_journal_is_not_removed(tmp_path: Path) -> None:
    """Not even by --restart; one that nobody holds may go, whatever it is."""
    place = tmp_path / "journal"
    with closing(Journal(place, "o.npy")) as journal:
        journal.begin(SAME)
        with pytest.raises(InputError, match=r"another process is writing o\.npy"):
            refuse_held(place, "o.npy")
    refuse_held(place, "o.npy")
    place.write_bytes(b"precious" * 1000)
    refuse_held(place, "o.npy")


def test_a_foreign_file_is_left_alone(tmp_path: Path) -> None:
    """What isn't a journal is named and not touched."""
    place = tmp_path / "journal"
    place.write_bytes(b"precious" * 1000)
    with pytest.raises(InputError, match=r"is not the journal of an interrupted run \(file is not a database\)"):
        Journal(place, "o.npy")
    assert place.read_bytes() == b"precious" * 1000


def test_a_kill_in_the_middle_of_a_commit(tmp_path: Path) -> None:
    """SQLite's promise, looked at once: an open transaction of a process that is gone has not happened."""
    place = tmp_path / "journal"
    with closing(Journal(place, "o")) as journal:
        journal.begin(SAME)
        part = journal.part(["a"], 0)
        journal._base.execute("UPDATE progress SET rows = 1")
    with sqlite3.connect(place) as base:
        assert base.execute("SELECT rows FROM progress").fetchone() == (0,)
        assert base.execute("SELECT COUNT(*) FROM seen").fetchone() == (0,)
    base.close()
    assert part.stop == 1
