"""The entry point: finding commands, errors as one line, exit codes."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from biolord_onnx import __version__
from biolord_onnx.cli import main as entry_point
from biolord_onnx.cli.interrupts import Terminated
from biolord_onnx.errors import BiolordError
from unit.runtime.command import COMMAND, PATIENCE, Biolord, Outcome, heeding_signals, run_process


class GateError(BiolordError):
    """An error that ends with 1, as a failed fidelity gate does."""

    exit_code = 1


def add_command(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    """Add a command ``fail`` that raises."""
    module = ModuleType("fail_command")

    def run(_: object) -> int:
        raise error

    module.__dict__.update(SUMMARY="fail", configure=lambda _: None, run=run)
    monkeypatch.setitem(sys.modules, "fail_command", module)
    monkeypatch.setitem(entry_point.COMMANDS, "fail", "fail_command")


def test_help_lists_the_commands(biolord: Biolord) -> None:
    """Every command stands in the overview with its summary, and nothing is said on stderr."""
    outcome = biolord("--help")
    assert (outcome.code, outcome.err) == (0, "")
    for line in (
        "info       show an artifact's manifest and how it would run here",
        "embed      turn texts into vectors",
        "similar    find the lines of a file that mean nearly the same",
    ):
        assert line in outcome.out
    assert biolord("-h") == outcome


@pytest.mark.parametrize("command", ["info", "embed", "similar"])
def test_every_command_has_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A command's help names it and its artifact."""
    assert entry_point.main([command, "--help"]) == 0
    out = capsys.readouterr().out
    assert out.startswith(f"usage: biolord {command} ")
    assert "ARTIFACT" in out


def test_the_version() -> None:
    """The version goes to stdout."""
    outcome = run_process("--version")
    assert (outcome.code, outcome.out, outcome.err) == (0, f"biolord {__version__}\n", "")


def test_commands_of_other_packages_are_found(monkeypatch: pytest.MonkeyPatch, biolord: Biolord) -> None:
    """An installed package adds commands through an entry point, and only the one that runs is imported."""

    class Point:
        name, value = "shout", "shout_command"

    module = ModuleType("shout_command")
    module.__dict__.update(
        SUMMARY="shout",
        configure=lambda parser: parser.add_argument("word"),
        run=lambda args: sys.stdout.write(args.word.upper()),
    )
    monkeypatch.setitem(sys.modules, "shout_command", module)
    points = {"biolord.commands": [Point]}
    monkeypatch.setattr("importlib.metadata.entry_points", lambda group: points.get(group, []))
    outcome = biolord("shout", "ha")
    assert (outcome.code, outcome.out) == (2, "HA")
    assert "  shout      shout\n" in biolord("--help").out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "no command given, expected one of info, embed, index, search, link, similar"),
        (["nope"], "there is no command 'nope', expected one of info, embed, index, search, link, similar"),
        (["--nope"], "unrecognized arguments: --nope (see biolord --help)"),
        (["info"], "the following arguments are required: ARTIFACT (see biolord info --help)"),
        (["info", "a", "--jso"], "unrecognized arguments: --jso"),
        (
            ["embed", "a", "b", "--threads", "x"],
            "argument --threads: x is not a number of threads: give a whole number of 1 to 1024",
        ),
        (["embed", "a", "b", "--memory", "low"], "unrecognized arguments: --memory low"),
        (["embed", "a", "b", "--overflow", "x"], "argument --overflow: invalid choice: 'x'"),
    ],
)
def test_wrong_usage_is_one_line(biolord: Biolord, arguments: list[str], message: str) -> None:
    """A wrong command line ends with 2 and one line, without the usage text."""
    biolord(*arguments).assert_error(message)


def test_our_errors_are_one_line(biolord: Biolord, tmp_path: Path) -> None:
    """An artifact that isn't there ends with 2 and one line."""
    biolord("info", tmp_path / "none").assert_error("none does not exist, expected the artifact folder")


def test_the_systems_errors_are_one_line(biolord: Biolord, tiny: Path) -> None:
    """A missing input file is named, with the system's reason."""
    biolord("embed", tiny, "--input", "/no/such/file").assert_error("/no/such/file: No such file or directory")


def test_errors_without_a_file_are_one_line(biolord: Biolord, monkeypatch: pytest.MonkeyPatch) -> None:
    """Line breaks in a message are folded."""
    add_command(monkeypatch, OSError("disk\nfull"))
    biolord("fail").assert_error("disk full")


@pytest.mark.parametrize(("said", "shown"), [("", ""), ("Unable to allocate 8 GiB", r" (Unable to allocate 8 GiB)")])
def test_too_little_memory_is_one_line(
    biolord: Biolord, monkeypatch: pytest.MonkeyPatch, said: str, shown: str
) -> None:
    """With what is known of it."""
    add_command(monkeypatch, MemoryError(said))
    biolord("fail").assert_error(f"there is not enough memory{shown}: try fewer texts at once")


def test_an_error_may_have_its_own_exit_code(biolord: Biolord, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error class says how the command ends."""
    add_command(monkeypatch, GateError("below the gate"))
    biolord("fail").assert_error("below the gate", code=1)


@pytest.mark.parametrize("place", [0, 1, 2])
def test_debug_shows_the_traceback(biolord: Biolord, tmp_path: Path, place: int) -> None:
    """--debug, before or behind the command, adds the traceback; the last line stays the same."""
    arguments = ["info", str(tmp_path / "none")]
    arguments.insert(place, "--debug")
    outcome = biolord(*arguments)
    assert outcome.code == 2
    assert outcome.err.startswith("Traceback (most recent call last):\n")
    assert outcome.err.splitlines()[-1].startswith("biolord: ")


def test_our_own_mistakes_are_not_hidden(biolord: Biolord, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bug keeps its traceback."""
    add_command(monkeypatch, ZeroDivisionError())
    with pytest.raises(ZeroDivisionError):
        biolord("fail")


@pytest.mark.parametrize(
    ("raised", "code"), [(Terminated(signal.SIGTERM), 143), (KeyboardInterrupt(), 130), (BrokenPipeError(), 141)]
)
def test_an_end_from_outside_has_its_code(
    biolord: Biolord, monkeypatch: pytest.MonkeyPatch, raised: BaseException, code: int
) -> None:
    """As shells report them, without a word."""
    add_command(monkeypatch, raised)
    assert biolord("fail") == Outcome(code, "", "")


@pytest.mark.usefixtures("measured")
def test_an_error_in_a_process_is_clean(tmp_path: Path) -> None:
    """As a process: exit 2, an empty stdout, one line, no traceback."""
    run_process("embed", tmp_path, "cat").assert_error("has no manifest.json")


def test_ctrl_c_is_quiet(tiny: Path, tmp_path: Path) -> None:
    """An interrupted command ends with 130 and says nothing."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with heeding_signals():
        process = subprocess.Popen(
            [*COMMAND, "embed", tiny, "--input", pipe], stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
    # Opening waits for the other end: when it returns, the command is reading.
    with pipe.open("wb"):
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, out, err) == (130, b"", b"")


def test_a_closed_pipe_is_quiet(tiny: Path, tmp_path: Path) -> None:
    """`biolord ... | head` ends without a complaint, as other tools do."""
    lines = tmp_path / "lines.txt"
    lines.write_text("cat\n" * 5000, encoding="utf-8")
    process = subprocess.Popen(
        [*COMMAND, "embed", tiny, "--input", lines], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stderr is not None
    with process.stdout, process.stderr:
        assert process.stdout.readline().startswith(b'{"text": "cat"')
        process.stdout.close()
        assert process.wait(timeout=PATIENCE) == 141
        assert process.stderr.read() == b""


def test_a_poor_terminal_gets_escapes(tiny: Path, tmp_path: Path) -> None:
    """A character that the terminal can't show is escaped, not an error."""
    lines = tmp_path / "lines.txt"
    lines.write_text("fièvre\n", encoding="utf-8")
    result = subprocess.run(
        [*COMMAND, "similar", tiny, "cat", "--input", lines],
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        check=True,
    )
    assert result.stdout.endswith(b"  fi\\xe8vre\n")


def test_starting_imports_only_what_is_needed() -> None:
    """The overview imports neither numpy nor onnxruntime, though every command is asked for its summary."""
    code = (
        "import sys\nfrom biolord_onnx.cli import embed, info, main, similar\n"
        "print([m for m in ('numpy', 'onnxruntime', 'tokenizers', 'pyarrow') if m in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout == "[]\n"


def test_any_stream_can_be_stdout(tiny: Path) -> None:
    """In a notebook or under a redirect stdout isn't a file; commands print there all the same."""
    stream = io.StringIO()
    with contextlib.redirect_stdout(stream):
        assert entry_point.main(["info", str(tiny)]) == 0
    assert stream.getvalue().startswith("tiny-cpu-fp32\n")
