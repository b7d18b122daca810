"""Equal texts."""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biolord_onnx.bulk import seen as module
from biolord_onnx.bulk.seen import BYTES_A_TEXT, Seen
from unit.runtime.bulk.disks import full_at


@pytest.mark.parametrize("kept", [False, True])
def test_repeated_texts_are_found(tmp_path: Path, kept: bool) -> None:
    """In the part and in earlier ones; a file of them has no name."""
    with closing(Seen(tmp_path / "seen" if kept else None)) as seen:
        assert list(tmp_path.iterdir()) == []
        first = seen.part(["a", "b", "a"], 0)
        assert (first.texts, first.rows.tolist()) == (["a", "b"], [0, 1])
        assert (first.copies.tolist(), first.originals.tolist()) == ([2], [0])
        second = seen.part(["b", "c", "c", "é"], 3)
        assert (second.start, second.stop, second.texts, second.rows.tolist()) == (3, 7, ["c", "é"], [4, 6])
        assert (second.copies.tolist(), second.originals.tolist()) == ([3, 5], [1, 4])


@settings(deadline=None)
@given(st.lists(st.lists(st.sampled_from("abcdef"), min_size=1), min_size=1))
def test_copies_of_cut_texts_are_cut(groups: list[list[str]]) -> None:
    """However texts are spread over parts: here those of a, c and e."""
    with closing(Seen(None)) as seen:
        start = 0
        for texts in groups:
            part = seen.part(texts, start)
            found = seen.truncated(part, np.array([str(text) in "ace" for text in part.texts], np.bool_))
            assert found.tolist() == [text in "ace" for text in texts]
            start = part.stop


def test_what_it_takes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No more than the check of the disk counts."""
    monkeypatch.setattr(module, "_CACHE_KIB", 100)
    descriptors = Path("/proc/self/fd")
    if not descriptors.is_dir():
        pytest.skip("needs /proc")
    with closing(Seen(tmp_path / "seen")) as seen:
        part = seen.part([str(number) for number in range(100_000)], 0)
        seen.truncated(part, np.ones(100_000, np.bool_))
        sizes = [
            os.fstat(int(path.name)).st_size
            for path in descriptors.iterdir()
            if path.is_symlink() and str(path.readlink()).startswith(str(tmp_path / "seen"))
        ]
    assert len(sizes) == 1
    assert 2_000_000 < sizes[0] < 100_000 * BYTES_A_TEXT


def test_a_full_disk_is_an_os_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which names the file."""
    monkeypatch.setattr(module, "_CACHE_KIB", 100)
    with closing(Seen(tmp_path / "seen")) as seen, full_at(50_000), pytest.raises(OSError, match=r"full|I/O") as raised:
        seen.part([str(number) for number in range(100_000)], 0)
    assert raised.value.filename == str(tmp_path / "seen")


def test_a_planted_file_is_not_written_to(tmp_path: Path) -> None:
    """A link to another one, say."""
    (tmp_path / "precious").write_text("precious")
    (tmp_path / "seen").symlink_to("precious")
    with pytest.raises(FileExistsError):
        Seen(tmp_path / "seen")
    assert (tmp_path / "seen").readlink() == Path("precious")
    assert (tmp_path / "precious").read_text() == "precious"
