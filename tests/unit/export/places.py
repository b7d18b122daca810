"""Running ``biolord export`` into an empty folder, and looking at what is left there."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from biolord_onnx.cli.main import main
from unit.export.few_texts import few_texts
from unit.runtime.command import COMMAND, Outcome, heeding_signals

TESTS = Path(__file__).parents[2]


@dataclass(frozen=True)
class Place:
    """A folder, empty at first, in which an artifact may be written."""

    folder: Path

    @property
    def out(self) -> Path:
        """Where the artifact goes."""
        return self.folder / "artifact"

    @property
    def left(self) -> list[str]:
        """Everything that lies in the folder, hidden drafts included."""
        return sorted(path.name for path in self.folder.iterdir())

    def export(self, model: Path | str, *options: object) -> Outcome:
        """Export in this process."""
        return run("export", model, self.out, *options)

    def assert_refused(self, model: Path | str, *options: object, message: str) -> None:
        """Check that an export ends in one line for a person, exit code 2, and leaves the folder as it was."""
        before = self.left
        outcome = self.export(model, *options)
        assert_failed(outcome, message)
        assert self.left == before


def run(*arguments: object) -> Outcome:
    """Run ``biolord`` in this process, with few texts of its own, outside of any test's own capture."""
    out, err = io.StringIO(), io.StringIO()
    with few_texts(), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main([str(argument) for argument in arguments])
    return Outcome(code, out.getvalue(), err.getvalue())


def run_with(environment: Mapping[str, str], *arguments: object) -> Outcome:
    """Run ``biolord`` as a process with more environment variables."""
    command = [*COMMAND, *(str(argument) for argument in arguments)]
    result = subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True, check=False)
    return Outcome(result.returncode, result.stdout, result.stderr)


def start(*arguments: object) -> subprocess.Popen[str]:
    """Start ``biolord`` as a process whose stderr can be followed, with few texts of its own."""
    command = [sys.executable, "-u", "-m", few_texts.__module__, *map(str, arguments)]
    with heeding_signals():
        return subprocess.Popen(command, cwd=TESTS, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def assert_failed(outcome: Outcome, message: str, code: int = 2) -> None:
    """Check the exit code, an empty stdout and the one line of the error, progress above it set aside."""
    assert outcome.code == code, outcome
    assert outcome.out == ""
    line = outcome.err.splitlines()[-1]
    assert line.startswith("biolord: ")
    assert message in line
    assert outcome.err.count("biolord: ") == 1
    assert "Traceback" not in outcome.err
