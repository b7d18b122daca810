"""What the tests on other machines need of this one."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from guards.missing import find_program

MIRROR = "http://deb.debian.org/debian"
SUITE = "bookworm"


def run(*command: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a program, with variables beside this process's, without those of coverage, Python and pip's paths."""
    inherited = {key: value for key, value in os.environ.items() if not key.startswith(("COVERAGE", "PYTHON"))}
    return subprocess.run(
        [str(part) for part in command],
        env=inherited | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def make_debian(folder: Path, *packages: str, arch: str = "") -> Path:
    """Make the root of a Debian system: its files, which nothing has configured, as fast as they unpack.

    Args:
        folder: to make.
        packages: beside the minimum.
        arch: of another machine.
    """
    debootstrap = find_program("debootstrap", "debootstrap", as_root=True)
    options = ["--foreign", "--variant=minbase", f"--include={','.join(packages)}"]
    done = run(debootstrap, *options, *([f"--arch={arch}"] if arch else []), SUITE, folder, MIRROR)
    assert done.returncode == 0, done.stdout[-2000:]
    for package in sorted((folder / "var/cache/apt/archives").glob("*.deb")):
        subprocess.run(["dpkg-deb", "-x", str(package), str(folder)], check=True)
    return folder


@dataclass(frozen=True)
class Arm:
    """An aarch64 Python under qemu's user mode emulation.

    Attributes:
        program: qemu's.
        root: of a Debian system for aarch64.
        site: folders of packages for it.
    """

    program: str
    root: Path
    site: tuple[Path, ...]

    def python(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        """Run Python."""
        command = [self.program, "-cpu", "max", "-L", self.root, self.root / "usr/bin/python3.11", *arguments]
        path = os.pathsep.join(map(str, self.site))
        return run(*command, PYTHONPATH=path, PYTHONDONTWRITEBYTECODE="1")
