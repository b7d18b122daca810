"""Bulk runs, interrupted ones above all."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pytest
from pyarrow import parquet

from biolord_onnx.bulk.gathering import BulkOptions, BulkResult
from biolord_onnx.bulk.journal import Journal
from biolord_onnx.bulk.places import Places
from biolord_onnx.bulk.reading import Columns, Row
from biolord_onnx.bulk.run import embed_to_file
from biolord_onnx.bulk.source import Source, of_file, of_texts, survey
from biolord_onnx.embedder import Embedder
from biolord_onnx.encode_options import EncodeOptions
from biolord_onnx.errors import InputError
from biolord_onnx.loading import LoadOptions
from unit.runtime.bulk.disks import full_at
from unit.runtime.command import COMMAND
from unit.runtime.tiny_artifact import DIM, MAX_LENGTH

# Many repeated, near and far; some cut.
NAMES = [f"cat {number % 70}" if number % 9 else "dog " * (MAX_LENGTH + number % 4) for number in range(200)]


PLAIN = EncodeOptions()


class Bulk:
    """Runs of one artifact with parts of 16 rows."""

    def __init__(self, embedder: Embedder, artifact: Path) -> None:
        self.embedder = embedder
        self.session = LoadOptions(str(artifact))
        self.told: list[str] = []

    def __call__(
        self,
        source: Source,
        output: Path,
        options: EncodeOptions = PLAIN,
        *,
        restart: bool = False,
        force: bool = False,
        part_rows: int = 16,
    ) -> BulkResult:
        """Run."""
        bulk = BulkOptions(restart=restart, force=force, notify=self.told.append, part_rows=part_rows)
        return embed_to_file(source, str(output), self.session, self.embedder, options=options, bulk=bulk)


@pytest.fixture
def bulk(embedder: Embedder, tiny: Path, monkeypatch: pytest.MonkeyPatch) -> Bulk:
    """Give something to run."""
    monkeypatch.setattr("biolord_onnx.bulk.source.BLOCK_ROWS", 2)
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

    return replace(source, open=rows)


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
    with closing(Journal(tmp_path / ".o.npy.journal", "o.npy")):
        for restart in (False, True):
            with pytest.raises(InputError, match="another process is writing"):
                bulk(source, tmp_path / "o.npy", restart=restart)
        with pytest.raises(InputError, match="another process is writing"):
            bulk(of_texts(["cat"]), tmp_path / "o.npy")
    assert left(tmp_path) == [".o.npy.journal", ".o.npy.part"]


def test_gathered_vectors_that_are_gone(bulk: Bulk, tmp_path: Path) -> None:
    """Somebody tidied up: said, not computed again in silence."""
    source = failing(NAMES, 100)
    with pytest.raises(OSError, match="gone"):
        bulk(source, tmp_path / "o.npy")
    (tmp_path / ".o.npy.part").unlink()
    bulk.told.clear()
    with pytest.raises(InputError, match=r"\.o\.npy\.part of an interrupted run is gone: start anew with --restart"):
        bulk(source, tmp_path / "o.npy")
    assert (bulk.told, left(tmp_path)) == ([], [".o.npy.journal"])
    assert bulk(source, tmp_path / "o.npy", restart=True).resumed == 0


@pytest.mark.parametrize("at", [0, 127, 128, 1000, -1, None])
def test_gathered_vectors_that_have_changed(bulk: Bulk, tmp_path: Path, at: int | None) -> None:
    """Of header or rows, or cut off: refused in one line that nothing contradicts; all stays, and --restart helps."""
    source = failing(NAMES, 100)
    with pytest.raises(OSError, match="gone"):
        bulk(source, tmp_path / "o.npy")
    path = tmp_path / ".o.npy.part"
    content = bytearray(path.read_bytes())
    if at is None:
        del content[-1]
    else:
        content[at] ^= 4
    path.write_bytes(content)
    bulk.told.clear()
    for _ in range(2):
        with pytest.raises(InputError, match=r"\.o\.npy\.part.*: start anew with --restart$"):
            bulk(source, tmp_path / "o.npy")
    assert (bulk.told, left(tmp_path)) == ([], [".o.npy.journal", ".o.npy.part"])
    assert path.read_bytes() == content
    assert bulk(source, tmp_path / "o.npy", restart=True).resumed == 0
    np.testing.assert_array_equal(np.load(tmp_path / "o.npy"), bulk.embedder.encode_with_info(NAMES).vectors)


@pytest.mark.parametrize("name", ["o.npy", "o.parquet", "o.arrow", "o.jsonl"])
@pytest.mark.parametrize("reading", [2, 3])
def test_an_input_that_is_replaced(bulk: Bulk, tmp_path: Path, name: str, reading: int) -> None:
    """While vectors are computed, or when texts are read again to be written: no row gets another row's vector."""
    others = [text.replace("cat", "cow") for text in NAMES]
    reads = iter([NAMES] * (reading - 1) + [others] * 9)
    source = survey("names.txt", lambda: iter([Row(text) for text in next(reads)]))
    if name == "o.npy" and reading == 3:
        bulk(source, tmp_path / name)  # which doesn't read again
        return
    with pytest.raises(InputError, match=r"names.txt has changed since it was read first, at row 0 or behind it"):
        bulk(source, tmp_path / name)
    assert left(tmp_path) == ([] if reading == 2 else [f".{name}.journal", f".{name}.part"])
    assert bulk(of_texts(NAMES), tmp_path / name).resumed == (0 if reading == 2 else 200)


class Acting:
    """Rows whose reading does something else on the way, once."""

    def __init__(self, act: Callable[[], object], at: int) -> None:
        self.act = act
        self.at = at
        self.source = replace(of_texts(NAMES), open=self.rows)
        self.over = False

    def rows(self) -> Iterator[Row]:
        """Read."""
        for number, text in enumerate(NAMES):
            if number == self.at and not self.over:
                self.over = True
                self.act()
            yield Row(text)


@pytest.mark.parametrize("name", ["o.npy", "o.jsonl"])
def test_an_output_that_appears_meanwhile(bulk: Bulk, tmp_path: Path, name: str) -> None:
    """Stays as it is; nothing computed is lost, and --force is how it is replaced."""
    output = tmp_path / name
    acting = Acting(lambda: output.write_bytes(b"precious"), 100)
    with pytest.raises(InputError, match=rf"{name} has appeared since the run began: move it away, or replace it with"):
        bulk(acting.source, output)
    assert output.read_bytes() == b"precious"
    assert bulk.told == [f"{output}: 200 of 200 rows are done: the same command goes on from there"]
    assert bulk(acting.source, output, force=True).resumed == 200
    assert left(tmp_path) == [name]


def test_a_folder_that_goes_away(bulk: Bulk, tmp_path: Path) -> None:
    """The output is named, and nothing is promised that can't be kept."""
    folder = tmp_path / "f"
    folder.mkdir()
    with pytest.raises((InputError, OSError), match=r"o\.npy"):
        bulk(Acting(lambda: folder.rename(tmp_path / "g"), 100).source, folder / "o.npy")
    assert bulk.told == []
    assert not folder.exists()


def test_gathered_vectors_that_go_away(bulk: Bulk, tmp_path: Path) -> None:
    """What stands at their name then is not published."""
    part = tmp_path / ".o.npy.part"

    def replace_part() -> None:
        part.unlink()
        part.write_bytes(b"planted")

    with pytest.raises(InputError, match=r"\.o\.npy\.part was removed or replaced while the run was under way"):
        bulk(Acting(replace_part, 100).source, tmp_path / "o.npy")
    assert not (tmp_path / "o.npy").exists()
    assert bulk.told == []


@pytest.mark.parametrize("kind", ["journal", "part", "seen", "new"])
def test_planted_links_are_not_followed(bulk: Bulk, tmp_path: Path, kind: str) -> None:
    """Whatever of the run they stand for: refused, and what they lead to stays."""
    (tmp_path / "precious").write_bytes(b"precious" * 20)
    planted = tmp_path / f".o.jsonl.{kind}"
    planted.symlink_to("precious")
    with pytest.raises(InputError, match=rf"\.o\.jsonl\.{kind} is a symbolic link, not a file that a run left: remove"):
        bulk(of_texts(NAMES), tmp_path / "o.jsonl")
    assert (tmp_path / "precious").read_bytes() == b"precious" * 20
    assert planted.is_symlink()
    planted.unlink()
    bulk(of_texts(NAMES), tmp_path / "o.jsonl", restart=True)
    assert left(tmp_path) == ["o.jsonl", "precious"]


def test_what_killed_runs_left_is_cleared(bulk: Bulk, tmp_path: Path) -> None:
    """By the next run of the same output, be it of other rows: short runs leave nothing to go on from."""
    for kind in ("part", "seen", "new"):
        (tmp_path / f".o.jsonl.{kind}").write_bytes(b"half")
    (tmp_path / ".o.jsonl.journal").touch()
    assert bulk(of_texts(NAMES[:10]), tmp_path / "o.jsonl").resumed == 0
    assert left(tmp_path) == ["o.jsonl"]


def test_a_run_killed_after_its_output_had_appeared(bulk: Bulk, tmp_path: Path) -> None:
    """And before its hidden files were removed: another one begins anew."""
    with pytest.raises(OSError, match="gone"):
        bulk(failing(NAMES, 100), tmp_path / "o.npy")
    os.link(tmp_path / ".o.npy.part", tmp_path / "o.npy")
    assert bulk(of_texts(NAMES), tmp_path / "o.npy", force=True).resumed == 0
    assert left(tmp_path) == ["o.npy"]
    np.testing.assert_array_equal(np.load(tmp_path / "o.npy"), bulk.embedder.encode_with_info(NAMES).vectors)


def test_a_journal_without_room(bulk: Bulk, tmp_path: Path) -> None:
    """Nothing stays."""
    with full_at(60), pytest.raises(OSError, match="File too large"):
        bulk(of_texts(NAMES), tmp_path / "o.npy")
    assert left(tmp_path) == []


def test_a_part_without_room_for_its_header(bulk: Bulk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing stays either."""
    monkeypatch.setattr(Journal, "_append", lambda *_: None)
    with full_at(60), pytest.raises(OSError, match="File too large"):
        bulk(of_texts(NAMES), tmp_path / "o.npy")
    assert left(tmp_path) == []


@pytest.mark.parametrize("name", ["o.npy", "o.jsonl", "o.parquet", "o.arrow"])
def test_a_disk_without_room_is_noticed_first(
    bulk: Bulk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Before anything is computed, with both figures; and what is asked for is enough."""
    usage, source = shutil.disk_usage(tmp_path), of_texts([*NAMES * 3, 'quoted "\x01\x02" 神'])
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=1000))
    with pytest.raises(InputError, match=rf"{name} needs up to ([\d.]+) kB .*, 1.0 kB are free: make room") as raised:
        bulk(source, tmp_path / name)
    assert left(tmp_path) == []
    needed = float(re.findall(r"up to ([\d.]+) kB", str(raised.value))[0]) * 1000 + 50
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=int(needed)))
    used = []
    really = Places.publish

    def measured(places: Places, write: Callable[[BinaryIO], None] | None, *, force: bool) -> None:
        really(places, write, force=force)
        used.append(sum(path.stat().st_size for path in tmp_path.iterdir()))

    monkeypatch.setattr(Places, "publish", measured)
    bulk(source, tmp_path / name)
    assert needed / 8 < used[0] <= needed


def test_room_is_told_in_units_that_fit(bulk: Bulk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of millions and milliards of rows."""
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=2_500_000))
    for count, told in ((10**6, r"\d\d.\d MB while it is made, 2.5 MB are"), (10**9, r"\d\d.\d GB while")):
        with pytest.raises(InputError, match=told):
            bulk(replace(of_texts(NAMES), count=count), tmp_path / "o.npy")


def test_a_disk_that_fills_up(bulk: Bulk, tmp_path: Path) -> None:
    """What is done is kept, the old output stays, and with room again the run goes on."""
    source = of_texts(NAMES * 15)
    (tmp_path / "o.npy").write_bytes(b"old")
    # Vectors take 96 kB, the journal and the texts seen less than 40.
    with full_at(60_000), pytest.raises(OSError, match="File too large"):
        bulk(source, tmp_path / "o.npy", force=True)
    assert (tmp_path / "o.npy").read_bytes() == b"old"
    assert left(tmp_path) == [".o.npy.journal", ".o.npy.part", "o.npy"]
    assert bulk(source, tmp_path / "o.npy", force=True).resumed > 1000
    np.testing.assert_array_equal(np.load(tmp_path / "o.npy"), bulk.embedder.encode_with_info(NAMES * 15).vectors)


def test_a_disk_that_fills_up_at_the_end(bulk: Bulk, tmp_path: Path) -> None:
    """Vectors fit, lines of JSON don't: without a journal nothing is left of it, with one all vectors are."""
    (tmp_path / "o.jsonl").write_bytes(b"old")
    short, long = of_texts(NAMES[:10]), of_texts(NAMES * 5)
    for source, size, stays in ((short, 1000, []), (long, 60_000, [".o.jsonl.journal", ".o.jsonl.part"])):
        with full_at(size), pytest.raises(OSError, match="File too large") as raised:
            bulk(source, tmp_path / "o.jsonl", force=True)
        assert str(raised.value.filename).endswith((".o.jsonl.new", ".o.jsonl.part"))
        assert (tmp_path / "o.jsonl").read_bytes() == b"old"
        assert left(tmp_path) == [*stays, "o.jsonl"]
    assert bulk(long, tmp_path / "o.jsonl", force=True).resumed == 1000


def test_long_texts_can_be_refused(bulk: Bulk, tmp_path: Path) -> None:
    """Counted through all parts before anything is computed; then nothing is cut."""
    texts = ["cat"] * 20 + ["cat " * 20] * 2
    with pytest.raises(InputError, match=r"texts\[20\] has 22 tokens, the limit is 16 \(2 of 22 texts are longer\)"):
        bulk(of_texts(texts), tmp_path / "o.npy", EncodeOptions(overflow="error"))
    assert bulk(of_texts(texts[:20]), tmp_path / "o.npy", EncodeOptions(overflow="error")).truncated == 0


def noted(journal: Path) -> int:
    """Count the parts that a journal says are done."""
    return max(0, journal.read_bytes().count(b"\n") - 1) if journal.exists() else 0


@pytest.mark.slow
def test_killed_three_times(tiny: Path, tmp_path: Path) -> None:
    """``kill -9`` at any moment: the same command goes on, and the file is the one that no kill would have changed."""
    names = [f"cat scratch {number % 25_000}" for number in range(42_000)]
    (tmp_path / "names.txt").write_text("\n".join(names), encoding="utf-8")
    command = [*COMMAND, "embed", str(tiny), "--input", str(tmp_path / "names.txt"), "--batch-tokens", "64"]
    for _ in range(3):
        before = noted(tmp_path / ".o.npy.journal")
        with subprocess.Popen([*command, "--output", str(tmp_path / "o.npy")], stderr=subprocess.DEVNULL) as process:
            while process.poll() is None and noted(tmp_path / ".o.npy.journal") <= before:
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
