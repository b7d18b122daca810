"""The file that vectors are gathered in."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biolord_onnx.bulk.journal import Done
from biolord_onnx.bulk.parts import Part
from biolord_onnx.bulk.store import Store
from biolord_onnx.errors import InputError
from unit.runtime.bulk.disks import full_at


def part(start: int, new: list[int], copies: dict[int, int]) -> Part:
    """Make a part of new rows and copies of others."""
    stop = start + len(new) + len(copies)
    arrays = (np.array(some, np.int64) for some in (new, [*copies], [*copies.values()]))
    return Part(start, stop, [""] * len(new), *arrays)


@pytest.mark.parametrize("dtype", [np.float32, np.float16, np.int8])
def test_it_is_what_numpy_writes(tmp_path: Path, dtype: type[np.generic]) -> None:
    """Byte for byte, copies of earlier rows included."""
    with closing(Store(tmp_path / "o", (5, 2), dtype)) as store:
        store.write(part(0, [0, 1], {2: 1}), np.array([[1, 2], [3, 4]], dtype))
        store.write(part(3, [], {3: 0, 4: 3}), np.empty((0, 2), dtype))
        expected = np.array([[1, 2], [3, 4], [3, 4], [1, 2], [1, 2]], dtype)
        np.testing.assert_array_equal(store.mapped(), expected)
    np.save(tmp_path / "numpy.npy", expected)
    assert (tmp_path / "o").read_bytes() == (tmp_path / "numpy.npy").read_bytes()


def test_no_rows(tmp_path: Path) -> None:
    """A header alone."""
    with closing(Store(tmp_path / "o.npy", (0, 3), np.float32)) as store:
        assert store.mapped().shape == (0, 3)
    assert np.load(tmp_path / "o.npy").shape == (0, 3)


@pytest.fixture
def left(tmp_path: Path) -> tuple[Path, tuple[Done, ...]]:
    """Give a file of two parts, of two rows and of one, and what a journal says of it."""
    path = tmp_path / "o"
    with closing(Store(path, (4, 1), np.float32)) as store:
        first = store.write(part(0, [0, 1], {}), np.array([[1], [2]], np.float32))
        second = store.write(part(2, [2], {}), np.array([[3]], np.float32))
    return path, (Done(2, first, ""), Done(3, second, ""))


def test_what_was_not_noted_is_written_again(left: tuple[Path, tuple[Done, ...]]) -> None:
    """A part that was on its way when the process died is cut off."""
    path, done = left
    path.write_bytes(path.read_bytes() + b"half")
    with closing(Store(path, (4, 1), np.float32, done)) as store:
        store.write(part(3, [], {3: 1}), np.empty((0, 1), np.float32))
        assert store.is_there()
    assert np.load(path).tolist() == [[1], [2], [3], [2]]


def test_a_file_that_is_too_short_is_refused(left: tuple[Path, tuple[Done, ...]]) -> None:
    """Both sizes are named."""
    path, done = left
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(InputError, match=r"has 139 bytes, and 140 were written of an .* start anew with --restart"):
        Store(path, (4, 1), np.float32, done)


@settings(deadline=None)  # how long a disk takes says nothing
@given(bit=st.integers(0, 8 * 140 - 1))
def test_every_bit_is_checked(tmp_path_factory: pytest.TempPathFactory, bit: int) -> None:
    """Of the header and of the vectors, which an interrupted run had written; nothing is changed."""
    path = tmp_path_factory.mktemp("bits") / "o"
    with closing(Store(path, (4, 1), np.float32)) as store:
        first = store.write(part(0, [0, 1], {}), np.array([[1], [2]], np.float32))
        second = store.write(part(2, [2], {}), np.array([[3]], np.float32))
    content = bytearray(path.read_bytes())
    assert len(content) == 140
    content[bit // 8] ^= 1 << bit % 8
    path.write_bytes(content)
    place = "the header of" if bit < 8 * 128 else "rows 0 to 1: their" if bit < 8 * 136 else "rows 2 to 2: their"
    with pytest.raises(InputError, match=rf"{place} .* start anew with --restart"):
        Store(path, (4, 1), np.float32, (Done(2, first, ""), Done(3, second, "")))
    assert path.read_bytes() == content


def test_a_file_that_is_gone(tmp_path: Path) -> None:
    """Somebody tidied up: said, not computed again in silence."""
    with pytest.raises(InputError, match="o of an interrupted run is gone: start anew with --restart"):
        Store(tmp_path / "o", (3, 1), np.float32, (Done(1, "", ""),))


def test_a_planted_file_is_not_written_to(tmp_path: Path) -> None:
    """Neither at the start nor when a run goes on."""
    (tmp_path / "precious").write_text("precious")
    (tmp_path / "o").symlink_to("precious")
    with pytest.raises(FileExistsError):
        Store(tmp_path / "o", (3, 1), np.float32)
    with pytest.raises(InputError, match="o is a symbolic link"):
        Store(tmp_path / "o", (3, 1), np.float32, (Done(1, "", ""),))
    assert (tmp_path / "precious").read_text() == "precious"


def test_a_full_disk_names_the_file(tmp_path: Path) -> None:
    """At the header, and at a part."""
    with full_at(100), pytest.raises(OSError, match="File too large") as raised:
        Store(tmp_path / "o", (3, 1), np.float32)
    assert raised.value.filename == str(tmp_path / "o")
    with closing(Store(tmp_path / "p", (3, 1), np.float32)) as store:
        with full_at(130), pytest.raises(OSError, match="File too large") as raised:
            store.write(part(0, [0], {}), np.array([[1]], np.float32))
        assert raised.value.filename == str(tmp_path / "p")
