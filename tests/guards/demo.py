"""Runs `make demo` as the README tells people to type it, and keeps the first run for every test of a session."""

from __future__ import annotations

import functools
import os
import re
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from guards.readme import REPOSITORY

MINUTES_FOR_THE_FIRST = 15
BIN = REPOSITORY / ".venv-demo" / "bin"
"""The programs of the demo's environment, which has what the extras cpu and export bring, and nothing else."""

_GO_ON = re.compile(r"^  biolord info (?P<path>.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Demo:
    """A run of the demo.

    Attributes:
        code: Its exit code.
        out: What it printed on stdout.
        err: What it printed on stderr.
        seconds: How long it took.
    """

    code: int
    out: str
    err: str
    seconds: float

    @property
    def artifact(self) -> Path:
        """The artifact that it made or found, as it tells its user to go on with."""
        found = _GO_ON.search(self.out)
        if self.code != 0 or found is None:
            raise RuntimeError(f"`make demo` failed with exit code {self.code}:\n{self.out}\n{self.err}")
        return REPOSITORY / found["path"]


def make_demo() -> Demo:
    """Run `make demo` in the repository, without the variables of a make, a coverage or tests around it."""
    ours = ("COVERAGE", "MAKE", "OPENBLAS", "PYTHON", "VIRTUAL_ENV")
    environment = {key: value for key, value in os.environ.items() if not key.startswith(ours)}
    started = time.perf_counter()
    done = subprocess.run(
        ["make", "demo"],
        cwd=REPOSITORY,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60 * MINUTES_FOR_THE_FIRST,
        check=False,
    )
    return Demo(done.returncode, done.stdout, done.stderr, time.perf_counter() - started)


@functools.cache
def first_demo() -> Demo:
    """Run it once a session; it may find the environment and the artifact of an earlier session."""
    return make_demo()
