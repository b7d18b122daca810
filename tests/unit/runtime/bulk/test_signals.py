"""What is left of a run that somebody ends, and of its processes."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from unit.runtime.command import COMMAND, ended, heeding_signals, run_process, unmeasured, wait_for

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="finds processes in /proc"),
]

# SIGHUP is handled as SIGTERM is, and costs as much again.
SIGNALS = [signal.SIGKILL, signal.SIGTERM, pytest.param(signal.SIGHUP, marks=pytest.mark.real)]
VICTIMS = ["first process", "a worker", "the other worker"]
SECRET = "Kowalczyk"
ROWS = 33_000
# Small runs: hardly any time passes between a signal and the moment it is noticed.
SMALL = ("--batch-tokens", "64")


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a file of five parts, of patients' names."""
    path = tmp_path_factory.mktemp("names") / "names.txt"
    path.write_text("\n".join(f"{SECRET} cat {number}" for number in range(ROWS)), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def whole(tiny: Path, names: Path) -> bytes:
    """Give what a run that nothing interrupts writes."""
    output = names.with_name("whole.npy")
    assert run_process("embed", tiny, "--input", names, "--output", output, *SMALL).code == 0
    return output.read_bytes()


@pytest.fixture
def temporary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder for temporary files."""
    return tmp_path_factory.mktemp("temporary")


@contextlib.contextmanager
def started(*arguments: object, stdin: Path | None = None, temporary: Path) -> Iterator[subprocess.Popen[str]]:
    """Run embed as a process, with a folder of its own for temporary files."""
    command = [*COMMAND, "embed", *(str(argument) for argument in arguments), *SMALL]
    with contextlib.ExitStack() as stack:
        stream = stack.enter_context(stdin.open()) if stdin else None
        source = subprocess.PIPE if stream is None else stream
        environment = {**unmeasured(), "TMPDIR": str(temporary), "PYTHONFAULTHANDLER": "1"}
        with heeding_signals():
            process = subprocess.Popen(command, stdin=source, stderr=subprocess.PIPE, text=True, env=environment)
        stack.enter_context(process)
        try:
            yield process
        finally:
            process.kill()


def family(first: int) -> list[int]:
    """Return a process and those that it has started."""
    with contextlib.suppress(OSError):
        return [first, *map(int, Path(f"/proc/{first}/task/{first}/children").read_text().split())]
    return [first]


def running(pids: list[int]) -> list[int]:
    """Return those that still run; one that has ended and that nobody has asked for doesn't."""
    return [pid for pid in pids if _state(pid) != "Z"]


def _state(pid: int) -> str:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    return "Z"


def noted(journal: Path) -> bool:
    """Say whether a part is done."""
    return journal.exists() and journal.read_bytes().count(b"\n") > 1


# The parent can't tell which signal ended a worker; the slow tier sends each of them all the same.
@pytest.mark.parametrize(
    ("victim", "when", "number"),
    [
        *(("first process", when, number) for when in ("starting", "working") for number in SIGNALS[:2]),
        *((victim, "working", signal.SIGKILL) for victim in VICTIMS[1:]),
        *(
            pytest.param(victim, "working", number, marks=pytest.mark.real)
            for victim in VICTIMS
            for number in (signal.SIGTERM, signal.SIGHUP)
            if (victim, number) != (VICTIMS[0], signal.SIGTERM)
        ),
        pytest.param(VICTIMS[0], "starting", signal.SIGHUP, marks=pytest.mark.real),
    ],
)
def test_nothing_runs_on(
    tiny: Path,
    names: Path,
    whole: bytes,
    tmp_path: Path,
    temporary: Path,
    number: signal.Signals,
    victim: str,
    when: str,
) -> None:
    """Whichever process of a run gets whichever signal, all end; the same command gives what it would have given."""
    output, journal = tmp_path / "o.npy", tmp_path / ".o.npy.journal"
    arguments = (tiny, "--input", names, "--output", output, "--workers", 2)
    with started(*arguments, temporary=temporary) as process:
        wait_for(lambda: len(family(process.pid)) == 3 and (when == "starting" or noted(journal)))
        all_of_them = family(process.pid)
        os.kill(all_of_them[VICTIMS.index(victim)], number)
        wait_for(lambda: not running(all_of_them))
        assert process.stderr is not None
        said = process.stderr.read()
    if victim != "first process":
        assert process.returncode == 2
        assert "biolord: one of 2 worker processes was killed" in said
    else:
        assert process.returncode == (-number if number == signal.SIGKILL else 128 + number)
    assert "Traceback" not in said
    if when == "working" and (victim != "first process" or number != signal.SIGKILL):
        assert f" of {ROWS} rows are done: the same command goes on from there" in said
    again = arguments if number == signal.SIGKILL else arguments[:-2]  # however many processes go on
    outcome = run_process("embed", *again, *SMALL)
    assert outcome.code == 0, outcome.err
    assert output.read_bytes() == whole
    assert [path.name for path in tmp_path.iterdir()] == ["o.npy"]


@pytest.mark.parametrize("number", [*SIGNALS, signal.SIGINT])
@pytest.mark.parametrize("to", ["file", "standard output"])
def test_no_text_of_standard_input_stays(
    tiny: Path, names: Path, whole: bytes, tmp_path: Path, temporary: Path, number: signal.Signals, to: str
) -> None:
    """Vectors do, and go on when the same texts come again."""
    output, journal = tmp_path / "o.npy", tmp_path / ".o.npy.journal"
    arguments = (tiny, "--input", "-", *(("--output", output) if to == "file" else ()))
    if to == "file":
        with started(*arguments, stdin=names, temporary=temporary) as process:
            wait_for(lambda: noted(journal))
            process.send_signal(number)
            ended(process)
    else:
        with started(*arguments, temporary=temporary) as process:
            assert process.stdin is not None
            process.stdin.write(SECRET * 100_000)
            process.stdin.flush()
            process.send_signal(number)
            ended(process)
    left = sorted(path.name for path in tmp_path.iterdir())
    assert left == ([".o.npy.journal", ".o.npy.part"] if to == "file" else [])
    files = [path for folder in (tmp_path, temporary) for path in folder.rglob("*") if path.is_file()]
    assert not any(SECRET.encode() in path.read_bytes() for path in files)
    if to == "file":
        outcome = run_process("embed", *arguments, *SMALL, stdin=names.read_bytes())
        assert "going on behind " in outcome.err
        assert output.read_bytes() == whole


@pytest.mark.parametrize("number", SIGNALS)
def test_a_conversion_that_is_ended(
    tiny: Path, names: Path, tmp_path: Path, temporary: Path, number: signal.Signals
) -> None:
    """Leaves what the next run clears, and goes on from."""
    output, new = tmp_path / "o.jsonl", tmp_path / ".o.jsonl.new"
    arguments = (tiny, "--input", names, "--output", output)
    with started(*arguments, temporary=temporary) as process:
        wait_for(new.exists)
        process.send_signal(number)
        ended(process)
    left = {path.name for path in tmp_path.iterdir()}
    assert left - {".o.jsonl.new"} == {".o.jsonl.journal", ".o.jsonl.part"}
    assert (".o.jsonl.new" in left) is (number == signal.SIGKILL)
    outcome = run_process("embed", *arguments, *SMALL)
    assert f"going on behind {ROWS} of {ROWS} rows" in outcome.err
    assert [path.name for path in tmp_path.iterdir()] == ["o.jsonl"]
    assert output.read_bytes().count(SECRET.encode()) == ROWS


def test_a_hang_up_that_was_ignored_stays_so(tiny: Path, names: Path, whole: bytes, tmp_path: Path) -> None:
    """As nohup wants it: the run goes on."""
    output = tmp_path / "o.npy"
    command = ["nohup", *COMMAND, "embed", str(tiny), "--input", str(names), "--output", str(output), *SMALL]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        wait_for(lambda: noted(tmp_path / ".o.npy.journal"))
        process.send_signal(signal.SIGHUP)
    assert process.returncode == 0
    assert output.read_bytes() == whole


def test_two_runs_of_one_output(tiny: Path, names: Path, whole: bytes, tmp_path: Path, temporary: Path) -> None:
    """The second says that there is a first."""
    output = tmp_path / "o.npy"
    arguments = (tiny, "--input", names, "--output", output)
    with started(*arguments, temporary=temporary) as process:
        wait_for(lambda: noted(tmp_path / ".o.npy.journal"))
        process.send_signal(signal.SIGSTOP)
        for more in ([], ["--restart"]):
            run_process("embed", *arguments, *more, *SMALL).assert_error("another process is writing")
        run_process("embed", tiny, "cat", "--output", output).assert_error("another process is writing")
        process.send_signal(signal.SIGCONT)
        assert ended(process) == 0
    assert output.read_bytes() == whole
