"""Watches what a process asks of the network, and what it leaves in the home folder."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from guards.missing import find_program

TELEMETRY = "ORT_DISABLE_TELEMETRY"
# What reaches out; a server that listens and answers does none of it.
OUTWARD = re.compile(r"\b(?:connect|sendto|sendmsg|sendmmsg)\(.*sa_family=AF_INET6?,")
# Names and pages: what Ray's and Spark's own processes say to each other has other ports.
ELSEWHERE = re.compile(r"sin6?_port=htons\((?:53|80|443)\)")


# Where one of these is set, onnxruntime sends nothing: a test would find silence that no user has.
_CI = frozenset(
    {
        "BUILDKITE",
        "CI",
        "CIRCLECI",
        "CODEBUILD_BUILD_ID",
        "GITHUB_ACTIONS",
        "GITLAB_CI",
        "JENKINS_URL",
        "TEAMCITY_VERSION",
        "TF_BUILD",
        "TRAVIS",
    }
)


@dataclass(frozen=True)
class Watch:
    """A fresh home folder, and a file for what strace saw of a process and all that it starts."""

    folder: Path

    @property
    def home(self) -> Path:
        """The home folder of the process."""
        return self.folder / "home"

    def command(self, *command: object) -> list[str]:
        """Return a command that runs another one under strace."""
        self.home.mkdir(parents=True, exist_ok=True)
        options = ["-f", "-qq", "--seccomp-bpf", "-e", "trace=network", "-o", str(self.folder / "calls")]
        return [find_program("strace", "strace"), *options, *map(str, command)]

    def environment(self, **more: str) -> dict[str, str]:
        """Return a user's environment: nobody has turned off anything, as onnxruntime itself does under CI."""
        ours = (TELEMETRY, "COVERAGE", "XDG_")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(ours) and name not in _CI}
        return {**kept, "HOME": str(self.home), **more}

    def run(self, *command: object, **more: str) -> str:
        """Run a command to its end under strace; returns its stdout."""
        return self.start(self.command(*command), **more)

    def start(self, command: Sequence[object], **more: str) -> str:
        """Run a command to its end without strace; returns its stdout."""
        self.home.mkdir(parents=True, exist_ok=True)
        environment = self.environment(**more)
        done = subprocess.run(list(map(str, command)), env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def run_for(self, seconds: float, *command: object, after: str, times: int = 1) -> str:
        """Run a command that goes on until it is asked to end, some seconds after it said something so many times.

        Returns:
            Its stderr.
        """
        running = subprocess.Popen(
            self.command(*command),
            env=self.environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert running.stderr is not None
        with running, running.stderr:
            said = [next(line for line in running.stderr if after in line) for _ in range(times)]
            time.sleep(seconds)
            os.killpg(running.pid, signal.SIGTERM)
            return "".join([*said, *running.stderr])

    def calls(self) -> list[str]:
        """List what reached out."""
        return [line for line in self._lines() if OUTWARD.search(line)]

    def calls_elsewhere(self) -> list[str]:
        """List what reached out for names and pages."""
        return [line for line in self.calls() if ELSEWHERE.search(line)]

    @contextmanager
    def attached(self) -> Iterator[None]:
        """Watch this process, all its threads included."""
        command = [
            find_program("strace", "strace"),
            "-f",
            "-e",
            "trace=network",
            "-o",
            str(self.folder / "calls"),
            "-p",
            str(os.getpid()),
        ]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as tracing:
            assert tracing.stderr
            assert "attached" in (said := tracing.stderr.readline()), said
            try:
                yield
            finally:
                tracing.terminate()
                tracing.stderr.read()

    def sockets(self) -> list[str]:
        """List every call with an address or a socket of the internet."""
        return [line for line in self._lines() if "AF_INET" in line]

    def traced(self) -> bool:
        """Whether strace saw anything at all."""
        return bool(self._lines())

    def files(self) -> list[str]:
        """List what was left in the home folder."""
        return sorted(path.relative_to(self.home).as_posix() for path in self.home.rglob("*") if path.is_file())

    def _lines(self) -> list[str]:
        return (self.folder / "calls").read_text(encoding="utf-8", errors="replace").splitlines()
