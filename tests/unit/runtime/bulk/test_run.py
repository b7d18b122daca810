"""Bulk runs, interrupted ones above all."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pyarrow import parquet

from biolord_onnx.bulk.journal import Journal
from biolord_onnx.bulk.reading import Columns, Row
from biolord_onnx.bulk.run import BulkOptions, BulkResult, embed_to_file
from biolord_onnx.bulk.source import Source, of_file, of_texts
from biolord_onnx.embedder import Embedder
from biolord_onnx.encode_options import EncodeOptions
from biolord_onnx.errors import InputError
from biolord_onnx.shared import SessionOptions
from unit.runtime.command import COMMAND
from unit.runtime.tiny_artifact import DIM, MAX_LENGTH

# Many repeated, near and far; some cut.
NAMES = [f"cat {number % 70}" if number % 9 else "dog " * (MAX_LENGTH + number % 4) for number in range(200)]


PLAIN = EncodeOptions()


class Bulk:
    """Runs of one artefact with parts of 16 rows."""

    def __init__(self, embedder: Embedder, artifact: Path) -> None:
        self.embedder = embedder
        self.session = SessionOptions(str(artifact))
        self.told: list[str] = []

    def __call__(
        self, source: Source, output: Path, options: EncodeOptions = PLAIN, *, restart: bool = False
    ) -> BulkResult:
        """Run."""
        bulk = BulkOptions(restart=restart, notify=self.told.append, part_rows=16)
        return embed_to_file(source, str(output), self.session, self.embedder, options=options, bulk=bulk)


@pytest.fixture
def bulk(embedder: Embedder, tiny: Path) -> Bulk:
    """Give something to run."""
    return Bulk(embedder, tiny)


def failing(texts: list[str], at: int) -> Source:
    """Give rows whose reading fails once at a row, as a network drive does."""
    source = of_texts(texts)
    failures = iter([True])

    def rows() -> Iterator[Row]:
        for number, text in enumerate(texts):
            if number == at and next(failures, False):
                raise OSError("the drive is gone")
            yield Row(text)

    return Source(source.name, source.count, source.digest, source.id_type, rows)


def left(folder: Path) -> list[str]:
    """List the files of a folder."""
    return sorted(path.name for path in folder.iterdir())


def test_the_result_is_that_of_encode(bulk: Bulk, tmp_path: Path) -> None:
    """Whatever the parts, and wherever repeated texts stand."""
    result = bulk(of_texts(NAMES), tmp_path / "o.npy")
    info = bulk.embedder.encode_with_info(NAMES)
    np.testing.assert_array_equal(np.load(tmp_path / "o.npy"), info.vectors)
    assert result == BulkResult(200, DIM, 0, int(info.truncated.sum()))
    assert 0 < result.truncated < 200
    assert (left(tmp_path), bulk.told) == (["o.npy"], [])


@pytest.mark.parametrize("name", ["o.npy", "o.parquet", "o.arrow", "o.jsonl"])
@pytest.mark.parametrize("precision", ["float32", "float16", "ubinary"])
def test_an_interrupted_run_goes_on(bulk: Bulk, tmp_path: Path, name: str, precision: str) -> None:
    """The bytes are those of a run that nothing interrupted."""
    options = EncodeOptions(precision=precision)  # type: ignore[arg-type]
    source = failing(NAMES, 100)
    with pytest.raises(OSError, match="the drive is gone"):
        bulk(source, tmp_path / name, options)
    assert left(tmp_path) == [f".{name}.journal", f".{name}.part"]
    result = bulk(source, tmp_path / name, options)
    assert result.resumed == 96
    assert bulk.told == [
        f"{tmp_path / name}: 96 of 200 rows are done: the same command goes on from there",
        f"{tmp_path / name}: going on behind 96 of 200 rows of an interrupted run",
    ]
    bulk(of_texts(NAMES), tmp_path / f"whole-{name}", options)
    assert (tmp_path / name).read_bytes() == (tmp_path / f"whole-{name}").read_bytes()
    assert left(tmp_path) == [name, f"whole-{name}"]


def test_a_run_that_did_nothing_leaves_nothing(bulk: Bulk, tmp_path: Path) -> None:
    """Nor does it say anything."""
    with pytest.raises(OSError, match="the drive is gone"):
        bulk(failing(NAMES, 5), tmp_path / "o.npy")
    assert (left(tmp_path), bulk.told) == ([], [])


def test_another_run_does_not_take_over(bulk: Bulk, tmp_path: Path) -> None:
    """Other rows, another precision: refused, and the interrupted run can still go on, or be forgotten."""
    source = failing(NAMES, 100)
    with pytest.raises(OSError, match="gone"):
        bulk(source, tmp_path / "o.npy")
    with pytest.raises(InputError, match=r"its input was 200 rows with SHA-256 \w+, and is 1 rows with"):
        bulk(of_texts(["cat"]), tmp_path / "o.npy")
    with pytest.raises(InputError, match="its --precision was float32, and is float16 now"):
        bulk(source, tmp_path / "o.npy", EncodeOptions(precision="float16"))
    assert bulk(source, tmp_path / "o.npy").resumed == 96
    (tmp_path / "o.npy").unlink()
    with pytest.raises(OSError, match="gone"):
        bulk(failing(NAMES, 100), tmp_path / "o.npy")
    assert bulk(of_texts(["cat"]), tmp_path / "o.npy", restart=True).resumed == 0
    assert left(tmp_path) == ["o.npy"]


def test_a_restart_does_not_pull_the_rug_from_under_another_run(bulk: Bulk, tmp_path: Path) -> None:
    """Whose files would be gone when it is done."""
    source = failing(NAMES, 100)
    with pytest.raises(OSError, match="gone"):
        bulk(source, tmp_path / "o.npy")
    with (
        closing(Journal(tmp_path / ".o.npy.journal", "o.npy")),
        pytest.raises(InputError, match="another process is writing"),
    ):
        bulk(source, tmp_path / "o.npy", restart=True)
    assert left(tmp_path) == [".o.npy.journal", ".o.npy.part"]


def test_gathered_vectors_that_are_gone(bulk: Bulk, tmp_path: Path) -> None:
    """Somebody tidied up: said, not computed again in silence."""
    source = failing(NAMES, 100)
    with pytest.raises(OSError, match="gone"):
        bulk(source, tmp_path / "o.npy")
    (tmp_path / ".o.npy.part").unlink()
    with pytest.raises(InputError, match=r"\.o\.npy\.part of an interrupted run is gone: start anew with --restart"):
        bulk(source, tmp_path / "o.npy")


@pytest.mark.parametrize(
    ("rows", "free", "told"),
    [
        (200, 1000, f"{200 * DIM * 4 / 1e3:.1f} kB while it is made, 1.0 kB are"),
        (10**6, 999_949, f"{10**6 * DIM * 4 / 1e6:.1f} MB while it is made, 999.9 kB are"),
        (10**9, 2_500_000, f"{10**9 * DIM * 4 / 1e9:.1f} GB while it is made, 2.5 MB are"),
    ],
)
def test_a_disk_without_room_is_noticed_first(
    bulk: Bulk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: int, free: int, told: str
) -> None:
    """Before anything is computed, with both figures, in units that fit them."""
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=free))
    with pytest.raises(InputError, match=rf"o\.npy needs about {re.escape(told)} free: make room, or choose a smaller"):
        bulk(replace(of_texts(NAMES), count=rows), tmp_path / "o.npy")
    assert left(tmp_path) == []


@contextmanager
def full_at(size: int) -> Iterator[None]:
    """Let no file grow beyond a size, as a full disk does."""
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_disk_that_fills_up(bulk: Bulk, tmp_path: Path) -> None:
    """What is done is kept, the old output stays, and with room again the run goes on."""
    source = of_texts(NAMES * 15)
    (tmp_path / "o.npy").write_bytes(b"old")
    # Vectors take 96 kB, the journal, with 80 different texts, less than 40.
    with full_at(60_000), pytest.raises(OSError, match="File too large"):
        bulk(source, tmp_path / "o.npy")
    assert (tmp_path / "o.npy").read_bytes() == b"old"
    assert left(tmp_path) == [".o.npy.journal", ".o.npy.part", "o.npy"]
    assert bulk(source, tmp_path / "o.npy").resumed > 1000
    np.testing.assert_array_equal(np.load(tmp_path / "o.npy"), bulk.embedder.encode_with_info(NAMES * 15).vectors)


def test_a_disk_that_fills_up_at_the_end(bulk: Bulk, tmp_path: Path) -> None:
    """Vectors fit, lines of JSON don't: without a journal nothing is left of it, with one all vectors are."""
    (tmp_path / "o.jsonl").write_bytes(b"old")
    short, long = of_texts(NAMES[:10]), of_texts(NAMES * 5)
    for source, size, stays in ((short, 1000, []), (long, 60_000, [".o.jsonl.journal", ".o.jsonl.part"])):
        with full_at(size), pytest.raises(OSError, match="File too large"):
            bulk(source, tmp_path / "o.jsonl")
        assert (tmp_path / "o.jsonl").read_bytes() == b"old"
        assert left(tmp_path) == [*stays, "o.jsonl"]
    assert bulk(long, tmp_path / "o.jsonl").resumed == 1000


def test_long_texts_can_be_refused(bulk: Bulk, tmp_path: Path) -> None:
    """Counted through all parts before anything is computed; then nothing is cut."""
    texts = ["cat"] * 20 + ["cat " * 20] * 2
    with pytest.raises(InputError, match=r"texts\[20\] has 22 tokens, the limit is 16 \(2 of 22 texts are longer\)"):
        bulk(of_texts(texts), tmp_path / "o.npy", EncodeOptions(overflow="error"))
    assert bulk(of_texts(texts[:20]), tmp_path / "o.npy", EncodeOptions(overflow="error")).truncated == 0


def test_killed_three_times(tiny: Path, tmp_path: Path) -> None:
    """``kill -9`` at any moment: the same command goes on, and the file is the one that no kill would have changed."""
    names = [f"cat scratch {number % 25_000}" for number in range(42_000)]
    (tmp_path / "names.txt").write_text("\n".join(names), encoding="utf-8")
    command = [*COMMAND, "embed", str(tiny), "--input", str(tmp_path / "names.txt"), "--batch-tokens", "64"]
    part = tmp_path / ".o.npy.part"
    for _ in range(3):
        before = part.stat().st_size if part.exists() else 0
        with subprocess.Popen([*command, "--output", str(tmp_path / "o.npy")], stderr=subprocess.DEVNULL) as process:
            while process.poll() is None and (part.stat().st_size if part.exists() else 0) <= before + 128:
                time.sleep(0.002)
            process.kill()
        assert process.returncode == -signal.SIGKILL
    finished = subprocess.run([*command, "--output", str(tmp_path / "o.npy")], capture_output=True, check=True)
    assert b"going on behind " in finished.stderr
    subprocess.run([*command, "--output", str(tmp_path / "whole.npy")], capture_output=True, check=True)
    assert (tmp_path / "o.npy").read_bytes() == (tmp_path / "whole.npy").read_bytes()
    assert left(tmp_path) == ["names.txt", "o.npy", "whole.npy"]


def test_tables_with_ids(bulk: Bulk, tmp_path: Path) -> None:
    """Ids stay with their rows through parts and repetitions."""
    path = tmp_path / "names.csv"
    path.write_text("id,name\n" + "".join(f"C{n},{name}\n" for n, name in enumerate(NAMES)), encoding="utf-8")
    bulk(of_file(str(path), Columns("name", "id")), tmp_path / "o.parquet")
    table = parquet.read_table(tmp_path / "o.parquet")
    assert table.column("id").to_pylist() == [f"C{number}" for number in range(200)]
    assert table.column("text").to_pylist() == NAMES
    found = np.array(table.column("embedding").to_pylist(), np.float32)
    np.testing.assert_array_equal(found, bulk.embedder.encode_with_info(NAMES).vectors)


def test_the_bar_shows_all_rows(bulk: Bulk, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Those of an interrupted run from the start."""
    source = failing(NAMES, 100)
    with pytest.raises(OSError, match="gone"):
        bulk(source, tmp_path / "o.npy")
    options = BulkOptions(progress=True, part_rows=16)
    embed_to_file(source, str(tmp_path / "o.npy"), bulk.session, bulk.embedder, options=PLAIN, bulk=options)
    shown = capsys.readouterr().err
    assert "96/200" in shown
    assert "200/200" in shown
