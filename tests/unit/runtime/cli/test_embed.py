"""``biolord embed``."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from biolord_onnx.artifact.prompts import Prompts
from biolord_onnx.cli import arguments
from biolord_onnx.embedder import Embedder
from unit.runtime.command import COMMAND, PATIENCE, Biolord, run_process
from unit.runtime.tiny_artifact import DIM, MAX_LENGTH, tiny_manifest, write_tiny_artifact

LONG = "cat " * MAX_LENGTH


def rows(out: str) -> list[dict[str, object]]:
    """Parse JSON lines."""
    return [json.loads(line) for line in out.splitlines()]


@pytest.fixture
def lines(tmp_path: Path) -> Path:
    """Give a file of four lines, two of them equal."""
    path = tmp_path / "lines.txt"
    path.write_text("cat scratch\n?\nfièvre 38,5°\ncat scratch\n", encoding="utf-8")
    return path


LINES = ["cat scratch", "?", "fièvre 38,5°", "cat scratch"]


def test_texts_become_json_lines(tiny: Path, embedder: Embedder) -> None:
    """As a process: one JSON line a text on stdout, exact float32 numbers, an empty stderr."""
    outcome = run_process("embed", tiny, "cat scratch", "héart")
    assert (outcome.code, outcome.err) == (0, "")
    assert [row["text"] for row in rows(outcome.out)] == ["cat scratch", "héart"]
    found = np.array([row["embedding"] for row in rows(outcome.out)], dtype=np.float32)
    np.testing.assert_array_equal(found, embedder.encode(["cat scratch", "héart"]))


def test_lines_of_a_file(biolord: Biolord, tiny: Path, lines: Path) -> None:
    """Every line is a text: rows and lines agree."""
    outcome = biolord("embed", tiny, "--input", lines)
    assert [row["text"] for row in rows(outcome.out)] == LINES


def test_lines_of_standard_input(tiny: Path) -> None:
    """``--input -`` reads a pipe, with either kind of line end."""
    outcome = run_process("embed", tiny, "--input", "-", stdin="cat\r\nfièvre".encode())
    assert [row["text"] for row in rows(outcome.out)] == ["cat", "fièvre"]


def test_an_empty_file_gives_nothing(biolord: Biolord, tiny: Path, tmp_path: Path) -> None:
    """No lines, no vectors, no error."""
    empty = tmp_path / "empty.txt"
    empty.touch()
    assert biolord("embed", tiny, "--input", empty).out == ""
    assert biolord("embed", tiny, "--input", empty, "--output", tmp_path / "o.npy").code == 0
    assert np.load(tmp_path / "o.npy").shape == (0, DIM)


@pytest.mark.parametrize("options", [["--normalize"], ["--no-normalize"], []])
def test_normalizing(biolord: Biolord, tiny: Path, options: list[str]) -> None:
    """Unit vectors on request, raw ones otherwise; options may stand before texts."""
    (row,) = rows(biolord("embed", tiny, *options, "dog bite").out)
    length = float(np.linalg.norm(np.array(row["embedding"])))
    assert (abs(length - 1) < 1e-6) is (options == ["--normalize"])


def test_texts_that_look_like_options(biolord: Biolord, tiny: Path) -> None:
    """Behind ``--`` everything is text."""
    outcome = biolord("embed", tiny, "--", "-5", "--normalize")
    assert [row["text"] for row in rows(outcome.out)] == ["-5", "--normalize"]


@pytest.mark.parametrize("precision", ["float32", "float16"])
def test_numpy_files(biolord: Biolord, tiny: Path, lines: Path, embedder: Embedder, precision: str) -> None:
    """A .npy file holds the vectors; stdout stays empty and stderr says what was written."""
    output = lines.with_name("o.npy")
    outcome = biolord("embed", tiny, "--input", lines, "--output", output, "--precision", precision)
    assert (outcome.code, outcome.out) == (0, "")
    assert outcome.err.startswith(f"{output}: 4 vectors of 8 {precision} numbers in ")
    found = np.load(output)
    assert found.dtype == precision
    np.testing.assert_array_equal(found, embedder.encode(LINES).astype(precision))


def test_an_existing_output_is_kept(biolord: Biolord, tiny: Path, tmp_path: Path) -> None:
    """Only --force replaces a file, and the refusal comes before any work."""
    output = tmp_path / "o.jsonl"
    output.write_text("precious", encoding="utf-8")
    biolord("embed", tmp_path / "no-artifact", "cat", "--output", output).assert_error("o.jsonl exists")
    assert output.read_text(encoding="utf-8") == "precious"
    assert biolord("embed", tiny, "cat", "--output", output, "--force").code == 0
    assert output.read_text(encoding="utf-8").startswith('{"text": "cat"')


def test_truncation_is_counted(biolord: Biolord, tiny: Path) -> None:
    """Cut texts are counted on stderr, stdout stays machine-readable."""
    outcome = biolord("embed", tiny, LONG, "cat", LONG)
    assert outcome.err == "2 of 3 texts have more than 16 tokens and were cut\n"
    assert len(rows(outcome.out)) == 3


def test_truncation_can_be_refused(biolord: Biolord, tiny: Path) -> None:
    """--overflow error gives one line and no vectors."""
    biolord("embed", tiny, "cat", LONG, "--overflow", "error").assert_error("texts[1] has 18 tokens, the limit is 16")


def test_how_it_runs_is_passed_on(biolord: Biolord, tiny: Path) -> None:
    """Options of the session and the batch reach them."""
    expected = biolord("embed", tiny, "cat", "dog").out
    options = ["--threads", 1, "--provider", "cpu", "--batch-tokens", 1]
    assert biolord("embed", tiny, *options, "cat", "dog").out == expected
    biolord("embed", tiny, "cat", "--provider", "cuda").assert_error("provider cuda is not in this onnxruntime")
    biolord("embed", tiny, "cat", "--threads", 0).assert_error("argument --threads: 0 is not a number of threads")
    biolord("embed", tiny, "cat", "--batch-tokens", 0).assert_error("batch_tokens is 0, expected 1 or more")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "nothing to embed: give texts, or --input FILE"),
        (["cat", "--input", "x.txt"], "both texts and --input x.txt are given: give one of them"),
        (["cat", "--column", "name"], "--column is given without --input: name the file, too"),
    ],
)
def test_texts_come_from_one_place(biolord: Biolord, tiny: Path, options: list[str], message: str) -> None:
    """Texts, or a file: neither and both are errors."""
    biolord("embed", tiny, *options).assert_error(message)


def test_a_bar_is_drawn_for_people(biolord: Biolord, tiny: Path, lines: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal a file's progress is shown on stderr, for texts of the command line it isn't."""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert "4/4" in biolord("embed", tiny, "--input", lines).err
    assert biolord("embed", tiny, "cat").err == ""


def test_without_tqdm_there_is_no_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing tqdm is no reason to fail a command."""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert arguments.wants_progress()
    monkeypatch.setitem(sys.modules, "tqdm", None)
    assert not arguments.wants_progress()


def test_an_undecodable_argument_is_refused(tiny: Path) -> None:
    """Bytes on the command line that aren't UTF-8 are one clear line."""
    run_process("embed", tiny, "caf\udce9").assert_error("texts[0] has a lone surrogate")


# --- files, large ones --------------------------------------------------------------------------------------


def test_ids_are_written_beside_vectors(biolord: Biolord, tiny: Path, tmp_path: Path, embedder: Embedder) -> None:
    """--id-column names what rows are known by; a .npy file has no place for it, which is said at the start."""
    table = tmp_path / "names.csv"
    table.write_text("code,name\nC1,cat\nC2,héart\nC1,cat\n", encoding="utf-8")
    options = ["--input", table, "--column", "name", "--id-column", "code"]
    found = rows(biolord("embed", tiny, *options).out)
    assert [(row["id"], row["text"]) for row in found] == [("C1", "cat"), ("C2", "héart"), ("C1", "cat")]
    assert biolord("embed", tiny, *options, "--output", tmp_path / "o.arrow").code == 0
    with pa.memory_map(str(tmp_path / "o.arrow")) as source:
        written = pa.ipc.open_file(source).read_all().to_pydict()
    assert written["id"] == ["C1", "C2", "C1"]
    np.testing.assert_array_equal(np.array(written["embedding"], np.float32), embedder.encode(["cat", "héart", "cat"]))
    biolord("embed", tiny, *options, "--output", tmp_path / "o.npy").assert_error("leave --id-column out")
    biolord("embed", tiny, "cat", "--id-column", "code").assert_error("--id-column is given without --input")


def test_a_named_pipe_is_read_once(tiny: Path, tmp_path: Path) -> None:
    """What can't be read twice is copied first, under a name that goes away."""
    pipe = tmp_path / "pipe.jsonl"
    os.mkfifo(pipe)
    options = ["--input", str(pipe), "--column", "name", "--output", str(tmp_path / "o.parquet")]
    with subprocess.Popen([*COMMAND, "embed", str(tiny), *options], stderr=subprocess.PIPE) as process:
        pipe.write_text('{"name": "cat"}\n{"name": "dog"}\n', encoding="utf-8")
        _, complaint = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, complaint
    assert parquet.read_table(tmp_path / "o.parquet").column("text").to_pylist() == ["cat", "dog"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["o.parquet", "pipe.jsonl"]


def test_a_folder_without_parts_is_no_input(biolord: Biolord, tiny: Path, tmp_path: Path) -> None:
    """Said of the folder that was given."""
    (tmp_path / "in").mkdir()
    options = ["--input", tmp_path / "in", "--output", tmp_path / "o.npy"]
    biolord("embed", tiny, *options).assert_error(f"{tmp_path / 'in'} is a folder without .parquet files")


def test_standard_input_is_named_in_errors(tiny: Path) -> None:
    """Not by the name of its copy."""
    run_process("embed", tiny, "--input", "-", stdin=b"a\n\xff\n").assert_error("standard input, line 2: byte 0xff")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--workers", "0", "--output", "o.npy"], "--workers: '0' is no whole number from 1 to 256"),
        (["--workers", "257", "--output", "o.npy"], "--workers: '257' is no whole number from 1 to 256"),
        (["--workers", "1e9", "--output", "o.npy"], "--workers: '1e9' is no whole number from 1 to 256"),
        (["--workers", "2"], "--workers 2 needs --output FILE"),
    ],
)
def test_workers_are_checked(biolord: Biolord, tiny: Path, options: list[str], message: str) -> None:
    """Before anything is loaded."""
    biolord("embed", tiny, "cat", *options).assert_error(message)


def test_workers_give_the_same(biolord: Biolord, tiny: Path, tmp_path: Path, embedder: Embedder) -> None:
    """Several processes write what one does."""
    names = [f"cat {number % 300}" for number in range(1000)]
    (tmp_path / "names.txt").write_text("\n".join(names), encoding="utf-8")
    outcome = biolord("embed", tiny, "--input", tmp_path / "names.txt", "--output", tmp_path / "o.npy", "--workers", 2)
    assert outcome.code == 0, outcome.err
    np.testing.assert_array_equal(np.load(tmp_path / "o.npy"), embedder.encode(names))


def test_an_output_that_is_a_link_is_written_where_it_leads(biolord: Biolord, tiny: Path, tmp_path: Path) -> None:
    """To a larger disk, say; the link stays, and its ending counts for nothing."""
    (tmp_path / "large").mkdir()
    link, there = tmp_path / "o.txt", tmp_path / "large" / "o.npy"
    link.symlink_to(there)
    assert biolord("embed", tiny, "a", "b", "--output", link).code == 0
    assert link.is_symlink()
    assert np.load(there).shape == (2, DIM)
    biolord("embed", tiny, "a", "--output", link).assert_error(f"{link} is a link: {there} exists: choose another")
    assert biolord("embed", tiny, "a", "--output", link, "--force").code == 0
    assert np.load(there).shape == (1, DIM)


def test_links_in_a_circle_lead_nowhere(biolord: Biolord, tiny: Path, tmp_path: Path) -> None:
    """They are no place to write to, and somebody's."""
    (tmp_path / "o.npy").symlink_to("o.npy")
    biolord("embed", tiny, "a", "--output", tmp_path / "o.npy").assert_error(
        "o.npy is not a file, and can't be replaced"
    )


# --- files that are not what they should be ------------------------------------------------------------------

PLANTED = {
    "nulls": lambda path: path.write_bytes(b"\0" * 9000),
    "text": lambda path: path.write_text("precious"),
    "noise": lambda path: path.write_bytes(os.urandom(9000)),
    "a database": lambda path: path.write_bytes(b"SQLite format 3\0" + bytes(4080)),
    "a folder": Path.mkdir,
    "a pipe": os.mkfifo,
    "a link": lambda path: path.symlink_to("lines.txt"),
    "a hard link": lambda path: os.link(path.with_name("lines.txt"), path),
}


@pytest.mark.parametrize("kind", ["journal", "part"])
@pytest.mark.parametrize(("planted", "plant"), PLANTED.items())
def test_what_stands_in_the_place_of_hidden_files(
    biolord: Biolord, tiny: Path, lines: Path, kind: str, planted: str, plant: Callable[[Path], object]
) -> None:
    """One line and exit code 2, or a run that makes its own; never a run that builds on it or writes through it."""
    hidden, before = lines.with_name(f".o.npy.{kind}"), lines.read_bytes()
    plant(hidden)
    outcome = biolord("embed", tiny, "--input", lines, "--output", lines.with_name("o.npy"))
    if kind == "part" and planted not in {"a folder", "a pipe", "a link"}:
        assert outcome.code == 0
        assert np.load(lines.with_name("o.npy")).shape == (4, DIM)
    else:
        outcome.assert_error(f"{hidden} is ")
        assert hidden.lstat()
    assert lines.read_bytes() == before


def test_a_name_too_long_for_hidden_files(biolord: Biolord, tiny: Path, tmp_path: Path) -> None:
    """Said before anything is read, as is a folder that can't be written to."""
    output = tmp_path / ("n" * 246 + ".npy")
    biolord("embed", tiny, "cat", "--output", output).assert_error("File name too long: choose a shorter name")
    biolord("embed", tiny, "cat", "--output", "/proc/self/o.npy").assert_error("can't be written to: choose another")
    biolord("embed", tiny, "cat", "--output", "/dev/stdout").assert_error("or - for standard output")


@pytest.fixture
def prompted(tmp_path: Path) -> Path:
    """Give an artifact with prompts."""
    prompts = Prompts({"query": "cat of ", "document": "", "cluster": "fever: "}, "cluster")
    return write_tiny_artifact(tmp_path / "prompted", replace(tiny_manifest(), prompts=prompts))


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ((), "fever: bite"),
        (("--prompt-name", "query"), "cat of bite"),
        (("--prompt", "the "), "the bite"),
        (("--prompt", ""), "bite"),
    ],
)
def test_prompts_by_name_and_as_given(
    biolord: Biolord, prompted: Path, embedder: Embedder, options: tuple[str, ...], text: str
) -> None:
    """The text that is printed is the one that was given."""
    (row,) = rows(biolord("embed", prompted, "bite", *options).out)
    assert row["text"] == "bite"
    np.testing.assert_array_equal(np.array(row["embedding"], np.float32), embedder.encode(text))


def test_an_unknown_prompt_and_two_at_once(biolord: Biolord, prompted: Path) -> None:
    """One line, exit 2."""
    outcome = biolord("embed", prompted, "bite", "--prompt-name", "x")
    assert (outcome.code, outcome.out) == (2, "")
    assert "prompt_name is 'x', the artifact has the prompts: 'query', 'document', 'cluster'" in outcome.err
    assert biolord("embed", prompted, "bite", "--prompt-name", "query", "--prompt", "x").code == 2


def test_vectors_that_are_cut(biolord: Biolord, tiny: Path, lines: Path, embedder: Embedder, tmp_path: Path) -> None:
    """In a file, where another width doesn't go on with what is there; too wide a one is refused."""
    out = tmp_path / "out.npy"
    assert biolord("embed", tiny, "--input", lines, "--output", out, "--truncate-dim", 3, "--normalize").code == 0
    np.testing.assert_array_equal(np.load(out), embedder.encode(LINES, truncate_dim=3, normalize=True))
    outcome = biolord("embed", tiny, "cat", "--truncate-dim", DIM + 1)
    assert outcome.code == 2
    assert f"truncate_dim is {DIM + 1}, the artifact's vectors have {DIM} numbers" in outcome.err


def test_a_file_of_texts_behind_a_prompt(
    biolord: Biolord, prompted: Path, lines: Path, embedder: Embedder, tmp_path: Path
) -> None:
    """Long ones count with it."""
    out = tmp_path / "out.npy"
    options = ("--input", lines, "--output", out, "--prompt-name", "query", "--overflow", "error")
    assert biolord("embed", prompted, *options).code == 0
    np.testing.assert_array_equal(np.load(out), embedder.encode(["cat of " + line for line in LINES]))
    outcome = biolord("embed", prompted, "cat " * (MAX_LENGTH - 3), "--prompt", "dog " * 2, "--overflow", "error")
    assert outcome.code == 2
    assert f"has {MAX_LENGTH + 1} tokens, the limit is {MAX_LENGTH}" in outcome.err
