"""Running ``biolord``: as a function, quickly, and as the process that users start."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from biolord_onnx.cli.main import main

COMMAND = (sys.executable, "-m", "biolord_onnx.cli.main")


@contextlib.contextmanager
def heeding_signals() -> Iterator[None]:
    """Start processes that can be interrupted where a shell has the tests ignore signals: ``nohup make test &``."""
    before = {number: signal.signal(number, signal.SIG_DFL) for number in (signal.SIGHUP, signal.SIGTERM)}
    before[signal.SIGINT] = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def unmeasured() -> dict[str, str]:
    """Return the environment for processes that get signals while they compute.

    coverage has a lock, and a handler that raises between its taking and its giving back leaves it taken for ever.
    """
    return {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}


PATIENCE = 120.0
"""Seconds after which something that hasn't come won't: what is quick takes a moment, but a machine may be slow, loaded
or waiting for its disk. No test may tell a right outcome from a wrong one by how long it took."""


def wait_for(condition: Callable[[], object]) -> None:
    """Wait until something is so."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "it didn't happen"
        time.sleep(0.002)


def ended(process: subprocess.Popen[Any]) -> int:
    """Wait for the end of a process and return its code; one that hangs is asked where."""
    try:
        return process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        states = [
            f"{task.name}: {task.joinpath('wchan').read_text()} {task.joinpath('stat').read_text()}"
            for task in Path(f"/proc/{process.pid}/task").glob("*")
        ]
        process.send_signal(signal.SIGABRT)  # with PYTHONFAULTHANDLER, it tells where it is
        said = process.stderr.read() if process.stderr else ""
        pytest.fail(f"{process.args!r} still runs:\n{said!s}\n{states}")


@dataclass(frozen=True)
class Outcome:
    """What a command left behind."""

    code: int
    out: str
    err: str

    def assert_error(self, message: str, code: int = 2) -> None:
        """Check that it failed as errors do: one line on stderr, nothing on stdout."""
        assert self.code == code
        assert self.out == ""
        assert self.err.startswith("biolord: ")
        assert self.err.endswith("\n")
        assert self.err.count("\n") == 1
        assert message in self.err


class Biolord:
    """Calls the command line in this process."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self.capsys = capsys

    def __call__(self, *arguments: object) -> Outcome:
        """Run the command and capture what it prints."""
        code = main([str(argument) for argument in arguments])
        captured = self.capsys.readouterr()
        return Outcome(code, captured.out, captured.err)


def run_process(*arguments: object, stdin: bytes = b"") -> Outcome:
    """Run the command as a process of its own."""
    command = [*COMMAND, *(str(argument) for argument in arguments)]
    result = subprocess.run(command, input=stdin, capture_output=True, check=False)
    return Outcome(result.returncode, result.stdout.decode(), result.stderr.decode())
