"""The file that vectors are gathered in."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from biolord_onnx.bulk.parts import Part
from biolord_onnx.bulk.store import Store
from biolord_onnx.errors import InputError


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


def test_what_was_not_noted_is_written_again(tmp_path: Path) -> None:
    """A part that was on its way when the process died is cut off."""
    path = tmp_path / "o"
    with closing(Store(path, (3, 1), np.float32)) as store:
        store.write(part(0, [0, 1], {}), np.array([[1], [2]], np.float32))
    path.write_bytes(path.read_bytes() + b"half")
    with closing(Store(path, (3, 1), np.float32, done=1)) as store:
        store.write(part(1, [1], {2: 0}), np.array([[7]], np.float32))
    assert np.load(path).tolist() == [[1], [7], [1]]


def test_a_file_that_is_too_short_is_refused(tmp_path: Path) -> None:
    """Both sizes are named."""
    path = tmp_path / "o"
    with closing(Store(path, (3, 1), np.float32)) as store:
        store.write(part(0, [0, 1], {}), np.array([[1], [2]], np.float32))
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(InputError, match=r"has 135 bytes, and 136 were written of an .* start anew with --restart"):
        Store(path, (3, 1), np.float32, done=2)


def test_a_full_disk_is_an_os_error() -> None:
    """Linux's device that is always full."""
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("no /dev/full here")
    with pytest.raises(OSError, match="No space left on device"):
        Store(full, (3, 1), np.float32)
