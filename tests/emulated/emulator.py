"""``biolord`` on a CPU that this machine hasn't: qemu's user mode emulation."""

from __future__ import annotations

import os
import platform
import subprocess
from dataclasses import dataclass

import pytest

from guards.missing import find_program
from unit.runtime.command import COMMAND, Outcome

PROGRAM = "qemu-x86_64"
OVERRIDE = "BIOLORD_IGNORE_CPU_FEATURES"
SECONDS = 240


@dataclass(frozen=True)
class Emulator:
    """Runs x86 programs."""

    program: str

    def biolord(self, cpu: str, *arguments: object, guarded: bool = True) -> Outcome:
        """Run ``biolord`` as a process on a CPU, by qemu's name.

        Its stderr comes without qemu's own lines, of features of the CPU that an emulation can't have.
        """
        command = [self.program, "-cpu", cpu, *COMMAND, *map(str, arguments)]
        # OPENBLAS_CORETYPE would have numpy's BLAS use the kernels of this machine's CPU.
        left_out = {OVERRIDE, "OPENBLAS_CORETYPE"}
        environment = {name: value for name, value in os.environ.items() if name not in left_out}
        if not guarded:
            environment[OVERRIDE] = "1"
        result = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False)
        ours = [line for line in result.stderr.splitlines(keepends=True) if not line.startswith("qemu")]
        return Outcome(result.returncode, result.stdout, "".join(ours))


def find_emulator() -> Emulator:
    """Find qemu, for tests on an x86 Linux."""
    if platform.machine().lower() not in {"x86_64", "amd64"} or platform.system() != "Linux":
        pytest.skip(f"an x86 Linux is needed to run this Python under {PROGRAM}")
    return Emulator(find_program(PROGRAM, "qemu-user"))
