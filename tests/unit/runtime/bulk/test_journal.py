"""The journal."""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biolord_onnx.bulk.journal import Done, Identity, Journal
from biolord_onnx.errors import InputError
from unit.runtime.bulk.disks import full_at

SAME = Identity((("input", "3 rows"), ("--precision", "float32")))
FIRST = Done.of(3, "a" * 64, np.array([True, False, True]))
SECOND = Done.of(5, "b" * 64, np.zeros(2, np.bool_))


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Say where a journal goes."""
    return tmp_path / "journal"


def write(place: Path, *entries: Done) -> bytes:
    """Leave a journal, as a killed run does."""
    with closing(Journal(place, "o.npy")) as journal:
        assert journal.begin(SAME) == ()
        for entry in entries:
            journal.note(entry)
    return place.read_bytes()


def read(place: Path) -> tuple[Done, ...]:
    """Read what is done."""
    with closing(Journal(place, "o.npy")) as journal:
        return journal.begin(SAME)


def test_what_is_noted_is_done(place: Path) -> None:
    """With who was cut, and in order; a run that goes on notes behind it."""
    write(place, FIRST)
    with closing(Journal(place, "o.npy")) as journal:
        assert journal.begin(SAME) == (FIRST,)
        journal.note(SECOND)
    assert read(place) == (FIRST, SECOND)
    assert FIRST.truncated_rows(0).tolist() == [True, False, True]
    assert SECOND.truncated_rows(3).tolist() == [False, False]


def test_another_run_is_refused(place: Path) -> None:
    """With what differs, and both values: nothing of the interrupted run is lost."""
    write(place, FIRST)
    other = Identity((("input", "3 rows"), ("--precision", "int8")))
    message = (
        "o.npy: 3 rows of an interrupted run are there, but its --precision was float32, and is int8 now: "
        "run it as it was to go on, or start anew with --restart"
    )
    with closing(Journal(place, "o.npy")) as journal, pytest.raises(InputError) as raised:
        journal.begin(other)
    assert str(raised.value) == message
    assert read(place) == (FIRST,)


def test_where_nothing_was_done_another_run_begins(place: Path) -> None:
    """There is nothing to lose."""
    write(place)
    with closing(Journal(place, "o.npy")) as journal:
        assert journal.begin(Identity((("input", "others"),))) == ()


def test_two_runs_do_not_write_one_file(place: Path) -> None:
    """The second is refused while the first lives."""
    with closing(Journal(place, "o.npy")) as journal:
        journal.begin(SAME)
        with pytest.raises(InputError, match=r"another process is writing o\.npy: wait for it, or choose another"):
            Journal(place, "o.npy")
    Journal(place, "o.npy").close()


def test_a_run_that_ended_while_another_one_began(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A journal that was removed after it had been opened is locked by nobody, and is no journal."""
    write(place, FIRST)

    def late(_: int) -> bool:
        place.unlink()
        return True

    monkeypatch.setattr("biolord_onnx.bulk.journal.take_lock", late)
    with pytest.raises(InputError, match="another process is writing"):
        Journal(place, "o.npy")


def test_two_runs_that_begin_at_once(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One makes the journal between the other's look and its attempt."""

    def late(path: Path) -> None:
        path.touch()

    monkeypatch.setattr("biolord_onnx.bulk.journal.open_left", late)
    with pytest.raises(InputError, match="another process is writing"):
        Journal(place, "o.npy")


@pytest.mark.parametrize(
    "content", [b"precious" * 1000, b"\0" * 5000, b"\n", b"{}\n", b"SQLite format 3\0", os.urandom(999)]
)
def test_what_is_no_journal_is_refused_and_left_alone(place: Path, content: bytes) -> None:
    """Text, nulls, noise, the journal of an earlier version: named, one line, exit 2, and not touched."""
    place.write_bytes(content)
    with pytest.raises(InputError, match=r"journal is not the journal of an interrupted run \(line 1 is not what was"):
        read(place)
    assert place.read_bytes() == content


@pytest.mark.parametrize(
    ("entries", "why"),
    [
        ([{"journal": 3, "identity": {}}], "version 3, expected 2"),
        ([{"rows": 1}], "its first line is something else"),
        ([{"journal": 2, "identity": {}}, {"stop": "1"}], "line 2 says something else"),
        ([{"journal": 2, "identity": {}}, {"stop": 1, "sha256": "", "truncated": "xy"}], "line 2 says something else"),
        (
            [{"journal": 2, "identity": {}}, *({"stop": 1, "sha256": "", "truncated": ""} for _ in range(2))],
            "line 3 stops at row 1, the one before at 1",
        ),
    ],
)
def test_what_another_version_wrote(place: Path, entries: list[dict[str, object]], why: str) -> None:
    """Its checksums are right, what it says isn't for us."""
    with closing(Journal(place, "o.npy")) as journal:
        for entry in entries:
            journal._append(entry)
    with pytest.raises(InputError, match=why):
        read(place)


@settings(deadline=None)  # how long a disk takes says nothing
@given(data=st.data())
def test_damage_is_found(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """Whatever changes in whole lines is refused; a cut loses the lines it hits, and none is made up."""
    place = tmp_path_factory.mktemp("damage") / "journal"
    whole = write(place, FIRST, SECOND)
    at = data.draw(st.integers(0, len(whole) - 1))
    if data.draw(st.booleans()):
        place.write_bytes(whole[:at])
        lines = whole[:at].count(b"\n")
        # A first line that lacks nothing but its end says which run it was, and that nothing is done.
        if at == 0 or lines or whole[at] == ord("\n"):
            assert read(place) == (FIRST, SECOND)[: max(0, lines - 1)]
        else:
            with pytest.raises(InputError, match="line 1"):
                read(place)
        return
    place.write_bytes(whole[:at] + bytes([whole[at] ^ data.draw(st.integers(1, 255))]) + whole[at + 1 :])
    try:
        found = read(place)
    except InputError:
        return
    # A last line without its end is one that a kill cut short.
    assert at == len(whole) - 1
    assert found == (FIRST,)


def test_a_kill_in_the_middle_of_a_line(place: Path) -> None:
    """It has not happened, and the next line follows the last whole one."""
    place.write_bytes(write(place, FIRST, SECOND)[:-10])
    with closing(Journal(place, "o.npy")) as journal:
        assert journal.begin(SAME) == (FIRST,)
        journal.note(SECOND)
    assert read(place) == (FIRST, SECOND)


def test_a_full_disk_leaves_whole_lines(place: Path) -> None:
    """The error names the journal, which says what it said before."""
    size = len(write(place, FIRST))
    with closing(Journal(place, "o.npy")) as journal:
        journal.begin(SAME)
        with full_at(size + 40), pytest.raises(OSError, match="File too large") as raised:
            journal.note(SECOND)
        assert raised.value.filename == str(place)
    assert read(place) == (FIRST,)


def test_a_disk_that_was_full_from_the_start(place: Path) -> None:
    """Nothing stays."""
    with full_at(40), closing(Journal(place, "o.npy")) as journal, pytest.raises(OSError, match="File too large"):
        journal.begin(SAME)
    assert not place.exists()
