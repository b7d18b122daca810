"""Writing vectors."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray
from pyarrow import parquet

from biolord_onnx.cli.writing import check_output, write_vectors
from biolord_onnx.errors import InputError, MissingDependencyError

TEXTS = ["cat", 'fièvre "38 %s"\n', ""]
NUMBERS = [[0.1, -1e-30, 3.4e38], [1 / 3, 0.0, -0.0], [16777217, 1e-45, 65504]]
VECTORS = np.array(NUMBERS, dtype=np.float32)
HALVES = np.array([[0.1, -6e-8, 65504], [1 / 3, 0, 1], [2049, 1e-5, -3]], dtype=np.float16)


@pytest.mark.parametrize("vectors", [VECTORS, HALVES], ids=["float32", "float16"])
def test_json_lines_are_exact(tmp_path: Path, vectors: NDArray[np.floating]) -> None:
    """Texts and numbers come back without any rounding, each row on one line."""
    path = tmp_path / "o.jsonl"
    write_vectors(str(path), TEXTS, vectors)
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert [row["text"] for row in rows] == TEXTS
    np.testing.assert_array_equal(np.array([row["embedding"] for row in rows]).astype(vectors.dtype), vectors)


@pytest.mark.parametrize("vectors", [VECTORS, HALVES], ids=["float32", "float16"])
def test_numpy_files_are_exact(tmp_path: Path, vectors: NDArray[np.floating]) -> None:
    """A .npy file holds the array."""
    write_vectors(str(tmp_path / "o.npy"), TEXTS, vectors)
    found = np.load(tmp_path / "o.npy", allow_pickle=False)
    assert found.dtype == vectors.dtype
    np.testing.assert_array_equal(found, vectors)


@pytest.mark.parametrize("vectors", [VECTORS, HALVES], ids=["float32", "float16"])
def test_parquet_files_are_exact(tmp_path: Path, vectors: NDArray[np.floating]) -> None:
    """A .parquet file holds texts and lists of fixed length."""
    write_vectors(str(tmp_path / "o.parquet"), TEXTS, vectors)
    table = parquet.read_table(tmp_path / "o.parquet")
    assert table.column("text").to_pylist() == TEXTS
    assert table.schema.field("embedding").type == pa.list_(pa.from_numpy_dtype(vectors.dtype), 3)
    np.testing.assert_array_equal(np.array(table.column("embedding").to_pylist(), vectors.dtype), vectors)


@pytest.mark.parametrize("name", ["o.npy", "o.jsonl", "o.parquet"])
def test_no_rows_are_a_file_too(tmp_path: Path, name: str) -> None:
    """An empty result is written, not forgotten."""
    write_vectors(str(tmp_path / name), [], np.empty((0, 3), dtype=np.float32))
    assert (tmp_path / name).exists()


def test_only_the_result_is_left(tmp_path: Path) -> None:
    """Nothing stands beside the file afterwards, and it has an ordinary file's permissions."""
    write_vectors(str(tmp_path / "o.npy"), TEXTS, VECTORS)
    assert list(tmp_path.iterdir()) == [tmp_path / "o.npy"]
    ordinary = tmp_path / "ordinary"
    ordinary.touch()
    assert (tmp_path / "o.npy").stat().st_mode == ordinary.stat().st_mode


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    """An error halfway leaves what was there and removes the half."""
    path = tmp_path / "o.jsonl"
    path.write_text("old", encoding="utf-8")
    with pytest.raises(ValueError, match="longer"):
        write_vectors(str(path), TEXTS[:1], VECTORS)
    assert path.read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_is_an_os_error(tmp_path: Path) -> None:
    """A file that can't grow fails as the system says, and the old one stays."""
    resource = pytest.importorskip("resource")
    path = tmp_path / "o.npy"
    path.write_bytes(b"old")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, hard))
    try:
        with pytest.raises(OSError, match=r"File too large|written"):
            write_vectors(str(path), ["a"] * 10_000, np.zeros((10_000, 8), dtype=np.float32))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [tmp_path / "o.npy"]


def test_outputs_that_will_work(tmp_path: Path) -> None:
    """Standard output, new files, and old ones with force."""
    check_output("-", force=False)
    check_output(str(tmp_path / "new.NPY"), force=False)
    old = tmp_path / "old.parquet"
    old.touch()
    check_output(str(old), force=True)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("o.txt", "o.txt ends in '.txt', expected one of .npy, .jsonl, .parquet"),
        ("o", "o ends in '', expected one of .npy, .jsonl, .parquet"),
        ("none/o.npy", "none of o.npy does not exist: make it first"),
        ("old.npy", "old.npy exists: choose another name, or replace the file with --force"),
        ("folder.npy", "folder.npy exists"),
    ],
)
def test_outputs_that_would_not_work(tmp_path: Path, name: str, message: str) -> None:
    """They are refused at the start, with what would work."""
    (tmp_path / "old.npy").touch()
    (tmp_path / "folder.npy").mkdir()
    with pytest.raises(InputError) as raised:
        check_output(str(tmp_path / name), force=False)
    assert message in str(raised.value)


def test_force_does_not_replace_a_folder(tmp_path: Path) -> None:
    """--force means files."""
    (tmp_path / "folder.npy").mkdir()
    with pytest.raises(InputError, match="exists"):
        check_output(str(tmp_path / "folder.npy"), force=True)


def test_parquet_needs_pyarrow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without pyarrow the message names the extra, before any work."""
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(
        MissingDependencyError, match=r"o\.parquet needs pyarrow .+ pip install 'biolord-onnx\[parquet\]'"
    ):
        check_output(str(tmp_path / "o.parquet"), force=False)
