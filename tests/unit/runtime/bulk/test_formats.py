"""Writing vectors."""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from biolord_onnx.bulk.formats import GROUP_ROWS, check_output, find_format, write_lines
from biolord_onnx.bulk.reading import Id, Row
from biolord_onnx.bulk.source import Source, survey
from biolord_onnx.encoding.precision import Vectors
from biolord_onnx.errors import InputError, MissingDependencyError

TEXTS = ["cat", 'fièvre "38 %s"\n', ""]
NUMBERS = [[0.1, -1e-30, 3.4e38], [1 / 3, 0.0, -0.0], [16777217, 1e-45, 65504]]
VECTORS = np.array(NUMBERS, dtype=np.float32)
HALVES = np.array([[0.1, -6e-8, 65504], [1 / 3, 0, 1], [2049, 1e-5, -3]], dtype=np.float16)


BYTES = np.array([[-128, 0, 127], [1, 2, 3], [-1, -2, -3]], dtype=np.int8)
ALL = pytest.mark.parametrize("vectors", [VECTORS, HALVES, BYTES], ids=["float32", "float16", "int8"])


def source(texts: list[str], ids: Sequence[Id | None] | None = None) -> Source:
    """Make a source of rows."""
    rows = [Row(text, known_by) for text, known_by in zip(texts, ids or [None] * len(texts), strict=True)]
    return survey("rows", lambda: iter(rows))


def write(path: Path, rows: Source, vectors: Vectors) -> None:
    """Write a file as a run does."""
    writer = find_format(path).write
    assert writer is not None
    with path.open("wb") as stream:
        writer(stream, rows, vectors)


@ALL
def test_json_lines_are_exact(tmp_path: Path, vectors: Vectors) -> None:
    """Texts and numbers come back without any rounding, each row on one line."""
    path = tmp_path / "o.jsonl"
    write(path, source(TEXTS), vectors)
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert [row["text"] for row in rows] == TEXTS
    np.testing.assert_array_equal(np.array([row["embedding"] for row in rows]).astype(vectors.dtype), vectors)


def read(path: Path) -> pa.Table:
    """Read a .parquet or .arrow file."""
    if path.suffix == ".parquet":
        return parquet.read_table(path)
    with pa.memory_map(str(path)) as mapped:
        return pa.ipc.open_file(mapped).read_all()


@ALL
@pytest.mark.parametrize("name", ["o.parquet", "o.arrow"])
def test_tables_are_exact(tmp_path: Path, name: str, vectors: Vectors) -> None:
    """Texts and lists of fixed length."""
    write(tmp_path / name, source(TEXTS), vectors)
    table = read(tmp_path / name)
    assert table.column_names == ["text", "embedding"]
    assert table.column("text").to_pylist() == TEXTS
    assert table.schema.field("embedding").type == pa.list_(pa.from_numpy_dtype(vectors.dtype), 3)
    np.testing.assert_array_equal(np.array(table.column("embedding").to_pylist(), vectors.dtype), vectors)


@pytest.mark.parametrize("ids", [["a", "é", "a"], [7, -(2**63), 2**63 - 1]])
def test_ids_keep_their_type(tmp_path: Path, ids: list[Id]) -> None:
    """Strings stay strings, numbers numbers, in every format that holds them."""
    rows = source(TEXTS, ids)
    for name in ("o.parquet", "o.arrow"):
        write(tmp_path / name, rows, VECTORS)
        assert read(tmp_path / name).column("id").to_pylist() == ids
    write(tmp_path / "o.jsonl", rows, VECTORS)
    lines = (tmp_path / "o.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["id"] for line in lines] == ids
    assert list(json.loads(lines[0])) == ["id", "text", "embedding"]


@pytest.mark.parametrize("name", ["o.jsonl", "o.parquet", "o.arrow"])
@pytest.mark.parametrize("count", [0, GROUP_ROWS, GROUP_ROWS + 1])
def test_any_number_of_rows(tmp_path: Path, name: str, count: int) -> None:
    """None is a file, too, and where groups end nothing is lost; the same rows give the same bytes."""
    texts = [str(number) for number in range(count)]
    vectors = np.arange(count * 2, dtype=np.float32).reshape(count, 2)
    for path in (tmp_path / name, tmp_path / f"again{name}"):
        write(path, source(texts), vectors)
    assert (tmp_path / name).read_bytes() == (tmp_path / f"again{name}").read_bytes()
    if name != "o.jsonl":
        table = read(tmp_path / name)
        assert table.column("text").to_pylist() == texts
        found = [vector for chunk in table.column("embedding").chunks for vector in chunk.to_pylist()]
        np.testing.assert_array_equal(np.array(found, np.float32).reshape(count, 2), vectors)


def test_rows_and_vectors_must_agree() -> None:
    """A line too few would shift everything that follows."""
    with pytest.raises(ValueError, match="longer"):
        write_lines(io.BytesIO(), [Row("cat")], VECTORS)


def test_outputs_that_will_work(tmp_path: Path) -> None:
    """Standard output, new files, and old ones with force."""
    check_output("-", ids=False, force=False)
    check_output(str(tmp_path / "new.NPY"), ids=False, force=False)
    old = tmp_path / "old.parquet"
    old.touch()
    check_output(str(old), ids=False, force=True)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("o.txt", "o.txt ends in '.txt', expected one of .npy, .jsonl, .parquet, .arrow"),
        ("o", "o ends in '', expected one of .npy, .jsonl, .parquet, .arrow"),
        ("none/o.npy", "none of o.npy does not exist: make it first"),
        ("old.npy", "old.npy exists: choose another name, or replace the file with --force"),
        ("folder.npy", "folder.npy is not a file, and can't be replaced by one: choose another name"),
        ("pipe.npy", "pipe.npy is not a file, and can't be replaced by one: choose another name"),
        ("x" * 250 + ".npy", ".npy.journal, which is needed while xxx"),
    ],
)
def test_outputs_that_would_not_work(tmp_path: Path, name: str, message: str) -> None:
    """They are refused at the start, with what would work."""
    (tmp_path / "old.npy").touch()
    (tmp_path / "folder.npy").mkdir()
    os.mkfifo(tmp_path / "pipe.npy")
    with pytest.raises(InputError) as raised:
        check_output(str(tmp_path / name), ids=False, force=False)
    assert message in str(raised.value)


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo])
def test_force_replaces_files_only(tmp_path: Path, make: Callable[[Path], object]) -> None:
    """And doesn't suggest --force to who gave it."""
    make(tmp_path / "o.npy")
    with pytest.raises(InputError, match=r"o\.npy is not a file, and can't be replaced by one: choose another name$"):
        check_output(str(tmp_path / "o.npy"), ids=False, force=True)


def test_a_folder_that_cannot_be_written_to() -> None:
    """A file system that is mounted to be read, or another user's: noticed first."""
    if not Path("/proc/self").is_dir():
        pytest.skip("needs /proc, where not even root can make a file")
    with pytest.raises(InputError, match=r"the folder /proc/self of o\.npy can't be written to: choose another"):
        check_output("/proc/self/o.npy", ids=False, force=False)


@given(
    texts=st.lists(st.text(st.characters(exclude_categories=["Cs"])), max_size=40),
    ids=st.sampled_from([None, int, str]),
    width=st.integers(1, 64),
    dtype=st.sampled_from([np.float32, np.float16, np.int8, np.uint8]),
    seed=st.integers(0, 2**32 - 1),
)
@settings(max_examples=200, deadline=None)
@pytest.mark.parametrize("name", ["o.jsonl", "o.parquet", "o.arrow"])
def test_the_room_a_file_takes_is_known_before(
    name: str, texts: list[str], ids: type | None, width: int, dtype: type[np.generic], seed: int
) -> None:
    """Whatever the texts and the numbers' bits, it is no more than the check of the disk counts."""
    rows = source(texts, [ids(number) for number in range(len(texts))] if ids else None)
    bits = np.random.default_rng(seed).bytes(len(texts) * width * np.dtype(dtype).itemsize)
    vectors = np.frombuffer(bits, dtype).reshape(len(texts), width)
    form, stream = find_format(Path(name)), io.BytesIO()
    assert form.write is not None
    form.write(stream, rows, vectors)
    assert len(stream.getvalue()) <= form.room(rows, width, np.dtype(dtype))


@pytest.mark.parametrize("name", ["o.jsonl", "o.parquet", "o.arrow"])
def test_the_room_of_a_large_file(name: str) -> None:
    """It is told within a tenth, or a quarter for lines of JSON."""
    rows = source([f"closed fracture of bone {number}" for number in range(6000)])
    vectors = np.random.default_rng(0).normal(size=(6000, 384)).astype(np.float32)
    form, stream = find_format(Path(name)), io.BytesIO()
    assert form.write is not None
    form.write(stream, rows, vectors)
    room = form.room(rows, 384, vectors.dtype)
    assert (0.75 if name == "o.jsonl" else 0.9) * room < len(stream.getvalue()) <= room


def test_ids_need_a_place(tmp_path: Path) -> None:
    """A .npy file holds vectors alone."""
    check_output(str(tmp_path / "o.parquet"), ids=True, force=False)
    with pytest.raises(InputError, match=r"o\.npy holds vectors alone, row by row: leave --id-column out, or write"):
        check_output(str(tmp_path / "o.npy"), ids=True, force=False)


def test_parquet_needs_pyarrow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without pyarrow the message names the extra, before any work."""
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(
        MissingDependencyError, match=r"o\.parquet needs pyarrow .+ pip install 'biolord-onnx\[cpu,parquet\]'"
    ):
        check_output(str(tmp_path / "o.parquet"), ids=False, force=False)
