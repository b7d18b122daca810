"""Temporary folders."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from biolord_export import scratch
from biolord_export.scratch import beside, clear_beside, moved_away, scratch_folder
from biolord_onnx.bulk.locks import take_lock

HEX = "0123456789abcdef"


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """Give a path whose folder is empty."""
    (tmp_path / "parent").mkdir()
    return tmp_path / "parent" / "art.v1"


def left(out: Path) -> list[str]:
    """List what lies beside a path."""
    return sorted(path.name for path in out.parent.iterdir())


def leave(out: Path, *names: str) -> None:
    """Make folders as a killed process leaves them, with a file in each."""
    for name in names:
        (out.parent / name).mkdir()
        (out.parent / name / "model.onnx").write_text(name)


@contextmanager
def owner(folder: Path) -> Iterator[None]:
    """Have another process own a folder."""
    code = (
        "import os, sys; from biolord_onnx.bulk.locks import take_lock\n"
        "print(take_lock(os.open(sys.argv[1], os.O_RDONLY)), flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", code, str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "True\n"
        yield
        process.kill()


def test_what_no_process_owns_is_cleared(out: Path) -> None:
    """Drafts, drafts of drafts, and what was to be replaced when its place is taken; nothing else."""
    out.mkdir()
    drafts = [f".art.v1-{HEX}", f"..art.v1-{HEX}-{HEX}", f".art.v1-{HEX}-old"]
    others = [f".art-v1-{HEX}", f".art.v1-{HEX}0", f"art.v1-{HEX}", f".art.v10-{HEX}", ".art.v1-mine"]
    leave(out, *drafts, *others)
    (out.parent / f".art.v1-{HEX[::-1]}").symlink_to(out)
    clear_beside(out)
    assert left(out) == sorted([*others, f".art.v1-{HEX[::-1]}", "art.v1"])


def test_what_a_process_owns_is_left_alone(out: Path) -> None:
    """Until it ends, however it does."""
    leave(out, f".art.v1-{HEX}")
    with owner(out.parent / f".art.v1-{HEX}"):
        clear_beside(out)
        assert left(out) == [f".art.v1-{HEX}"]
    with beside(out):
        before = left(out)
        assert len(before) == 2
    clear_beside(out)
    assert left(out) == []


def test_a_draft_in_use_is_owned(out: Path) -> None:
    """By this process; its own other exports leave it alone, too."""
    with beside(out) as draft:
        clear_beside(out)
        assert draft.is_dir()


def test_a_folder_that_was_moved_away_comes_back(out: Path) -> None:
    """Whose process was killed before something else took its place."""
    leave(out, f".art.v1-{HEX}-old")
    clear_beside(out)
    assert left(out) == ["art.v1"]
    assert (out / "model.onnx").read_text() == f".art.v1-{HEX}-old"


@pytest.mark.parametrize("failure", [OSError("disk"), KeyboardInterrupt()])
def test_a_replacement_that_fails(out: Path, failure: BaseException) -> None:
    """Leaves what was there, and nothing beside it."""
    leave(out, "art.v1")

    def replace() -> None:
        with moved_away(out, out.with_name(f".art.v1-{HEX}")):
            assert not out.exists()
            raise failure

    with pytest.raises(type(failure)):
        replace()
    assert left(out) == ["art.v1"]


def test_a_replacement_under_way_is_owned(out: Path) -> None:
    """Another export neither puts the old folder back nor removes it."""
    leave(out, "art.v1")
    with moved_away(out, out.with_name(f".art.v1-{HEX}")):
        clear_beside(out)
        assert left(out) == [f".art.v1-{HEX}-old"]
        out.mkdir()
    assert left(out) == ["art.v1"]


def test_a_place_that_somebody_else_took(out: Path) -> None:
    """In the middle of a replacement: both are there."""
    leave(out, "art.v1")

    def replace() -> None:
        with moved_away(out, out.with_name(f".art.v1-{HEX}")):
            out.mkdir()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        replace()
    assert left(out) == [f".art.v1-{HEX}-old", "art.v1"]


def test_a_file_system_without_locks(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """NFS locks no folders: drafts work, and nothing is cleared that somebody may be using."""

    def refuse(_: int) -> bool:
        raise OSError("Bad file descriptor")

    monkeypatch.setattr(scratch, "take_lock", refuse)
    leave(out, f".art.v1-{HEX}")
    clear_beside(out)
    with beside(out):
        assert len(left(out)) == 2
    assert left(out) == [f".art.v1-{HEX}"]


def test_a_folder_that_goes_away_while_it_is_looked_at(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process cleared it after it was listed, opened or locked."""
    lock, opened = take_lock, os.open

    def gone(folder: Path, flags: int) -> int:
        folder.joinpath("model.onnx").unlink()
        folder.rmdir()
        return opened(folder, flags)

    def replaced(descriptor: int) -> bool:
        shutil.rmtree(out.parent / f".art.v1-{HEX}")
        leave(out, f".art.v1-{HEX}")
        return lock(descriptor)

    leave(out, f".art.v1-{HEX}")
    with monkeypatch.context() as patch:
        patch.setattr(os, "open", gone)
        clear_beside(out)
    assert left(out) == []
    leave(out, f".art.v1-{HEX}")
    with monkeypatch.context() as patch:
        patch.setattr(scratch, "take_lock", replaced)
        clear_beside(out)
    assert left(out) == [f".art.v1-{HEX}"]


@pytest.mark.parametrize("when", ["before it is opened", "before it is locked", "while it is being cleared"])
def test_a_folder_that_is_cleared_before_it_is_owned(out: Path, monkeypatch: pytest.MonkeyPatch, when: str) -> None:
    """Another export took it for one that a killed process left: another is made."""
    lock, opened, seen = take_lock, os.open, []

    def open_late(folder: Path, flags: int) -> int:
        seen.append(folder)
        if len(seen) == 1 and when == "before it is opened":
            folder.rmdir()
        return opened(folder, flags)

    def lock_late(descriptor: int) -> bool:
        if len(seen) == 1 and when == "before it is locked":
            seen[0].rmdir()
        return (len(seen) > 1 or when != "while it is being cleared") and lock(descriptor)

    with ExitStack() as stack:
        with monkeypatch.context() as patch:
            patch.setattr(os, "open", open_late)
            patch.setattr(scratch, "take_lock", lock_late)
            draft = stack.enter_context(beside(out))
        assert [draft] == seen[1:]
        assert draft.is_dir()
    assert left(out) == []


def test_exports_at_one_time(tmp_path: Path) -> None:
    """Processes that make and clear folders in one place as fast as they can keep theirs while they use them."""
    code = (
        "import sys, tempfile; tempfile.tempdir = sys.argv[1]\n"
        "from biolord_export.scratch import scratch_folder\n"
        "for _ in range(300):\n"
        "    with scratch_folder('calibration') as folder: (folder / 'weights').write_text('x')"
    )
    processes = [
        subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stderr=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    assert [(process.communicate()[1], process.returncode) for process in processes] == [("", 0)] * 4
    assert list(tmp_path.iterdir()) == []


def test_scratch_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the system's place; those of killed processes go, for the same purpose."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    (tmp_path / f"biolord-calibration-{HEX}").mkdir()
    (tmp_path / f"biolord-reference-{HEX}").mkdir()
    with scratch_folder("calibration") as folder:
        assert folder.stat().st_mode & 0o777 == 0o700
        assert sorted(tmp_path.iterdir()) == sorted([folder, tmp_path / f"biolord-reference-{HEX}"])
    assert list(tmp_path.iterdir()) == [tmp_path / f"biolord-reference-{HEX}"]
