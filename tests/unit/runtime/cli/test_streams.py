"""Standard streams that are closed, full or left by their reader: one rule for every command."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from biolord_onnx import __version__
from biolord_onnx.cli.streams import OutputStream, standard_streams
from unit.runtime.command import COMMAND, Outcome

pytestmark = pytest.mark.slow

CLOSED = "biolord: standard output: it is closed\n"
FULL = "biolord: standard output: No space left on device\n"
NO_INPUT = "biolord: standard input: it is closed\n"


def run(redirection: str, *arguments: object, unbuffered: bool = False) -> Outcome:
    """Run a command with streams that a shell prepares."""
    command = [*COMMAND, *map(str, arguments)]
    shell = ["sh", "-c", f'"$@" {redirection}', "sh", *command]
    environment = os.environ | {"PYTHONUNBUFFERED": "1" if unbuffered else ""}
    done = subprocess.run(shell, capture_output=True, text=True, check=False, env=environment)
    return Outcome(done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize(("redirection", "message"), [(">&-", CLOSED), (">/dev/full", FULL)])
@pytest.mark.parametrize(
    "command",
    [
        ("--version",),
        ("--help",),
        ("embed", "--help"),
        ("info", "TINY"),
        ("info", "TINY", "--json"),
        ("embed", "TINY", "cat"),
        ("similar", "TINY", "cat", "--input", "LINES"),
        ("pack", "TINY", "--wheel", "FOLDER"),
        ("models",),
    ],
)
def test_results_that_cannot_be_written_are_an_error(
    tiny: Path, tmp_path: Path, command: tuple[str, ...], redirection: str, message: str
) -> None:
    """Of every command: one line, and exit code 2."""
    (tmp_path / "lines").write_text("cat\n", "utf-8")
    places = {"TINY": tiny, "LINES": tmp_path / "lines", "FOLDER": tmp_path / "wheels"}
    outcome = run(redirection, *(places.get(word, word) for word in command))
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.splitlines(keepends=True)[-1] == message
    assert "Traceback" not in outcome.err


@pytest.mark.parametrize("redirection", [">&-", ">/dev/full", "2>&-", "2>/dev/full", "<&-", "<&- >&- 2>&-"])
@pytest.mark.parametrize("unbuffered", [False, pytest.param(True, marks=pytest.mark.real)])
def test_results_in_a_file_need_no_streams(tiny: Path, tmp_path: Path, redirection: str, *, unbuffered: bool) -> None:
    """The file is whole, nothing that a library prints gets into it, and messages that nobody can read are no error."""
    output = tmp_path / "vectors.npy"
    outcome = run(redirection, "embed", tiny, "cat", "--output", output, unbuffered=unbuffered)
    assert outcome.code == 0, outcome
    assert np.load(output).shape == (1, 8)


@pytest.mark.parametrize("redirection", ["2>&-", "2>/dev/full"])
@pytest.mark.parametrize("unbuffered", [False, True])
def test_an_error_that_nobody_can_read_keeps_its_code(tmp_path: Path, redirection: str, *, unbuffered: bool) -> None:
    """Scripts look at that."""
    outcome = run(redirection, "info", tmp_path / "none", unbuffered=unbuffered)
    assert (outcome.code, outcome.out, outcome.err) == (2, "", "")


@pytest.mark.usefixtures("measured")
@pytest.mark.parametrize("command", [("embed",), ("similar", "cat")])
def test_a_closed_input_is_an_error(tiny: Path, command: tuple[str, ...]) -> None:
    """Not no texts."""
    outcome = run("<&-", command[0], tiny, *command[1:], "--input", "-")
    assert (outcome.code, outcome.out, outcome.err) == (2, "", NO_INPUT)


@pytest.mark.parametrize("unbuffered", [False, True])
def test_a_reader_that_has_enough_is_no_error(tiny: Path, tmp_path: Path, *, unbuffered: bool) -> None:
    """The command ends as programs do that a closed pipe ends, and says nothing."""
    (tmp_path / "lines").write_text("cat scratch\n" * 20_000, "utf-8")
    shell = f'("$@"; echo $? > {tmp_path}/code) | head -n 1'
    command = ["sh", "-c", shell, "sh", *COMMAND, "embed", str(tiny), "--input", str(tmp_path / "lines")]
    environment = os.environ | {"PYTHONUNBUFFERED": "1" if unbuffered else ""}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.stderr == ""
    assert done.stdout.count("\n") == 1
    assert (tmp_path / "code").read_text("utf-8") == "141\n"


def test_streams_that_work_work(tiny: Path) -> None:
    """Texts of any language, whatever the terminal's encoding; and the version, as ever."""
    assert run("", "--version") == Outcome(0, f"biolord {__version__}\n", "")
    command = [*COMMAND, "similar", str(tiny), "cat", "--input", "-"]
    environment = os.environ | {"PYTHONIOENCODING": "ascii"}
    done = subprocess.run(command, input="catarrhe aigü\n".encode(), capture_output=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    assert b"catarrhe aig\\xfc" in done.stdout


def test_the_first_failure_is_told_once() -> None:
    """A buffer that is flushed again at exit must not fail again; optional streams fail not even once."""
    with Path("/dev/full").open("wb", buffering=0) as full:
        stream = OutputStream("standard output", full.fileno(), optional=False)
        with pytest.raises(OSError, match="No space left on device: 'standard output'"):
            stream.write(b"abc")
        assert stream.write(b"abcd") == 4
        assert OutputStream("standard error", full.fileno(), optional=True).write(b"abc") == 3
        assert stream.fileno() == full.fileno()
    assert not stream.isatty()
    with pytest.raises(io.UnsupportedOperation):
        OutputStream("standard output", None, optional=False).fileno()


def test_streams_are_given_back(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """To whoever calls the command line as a function, also if some are None, or objects of another kind."""
    for stdin, stdout, stderr in ((None, None, None), (io.StringIO("a"), io.StringIO(), io.StringIO())):
        monkeypatch.setattr(sys, "stdin", stdin)
        monkeypatch.setattr(sys, "stdout", stdout)
        monkeypatch.setattr(sys, "stderr", stderr)
        with standard_streams():
            assert sys.stdin.readable()
            sys.stderr.write("lost")
            sys.stdout.write("lost, too")
        assert (sys.stdin, sys.stdout, sys.stderr) == (stdin, stdout, stderr)
    with (tmp_path / "out").open("w", encoding="utf-8") as out:
        monkeypatch.setattr(sys, "stdout", out)
        with standard_streams():
            sys.stdout.write("é\udcff")
    assert (tmp_path / "out").read_text("utf-8") == "é\\udcff"
