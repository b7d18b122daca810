"""Run a command as on a CPU with AVX2, but without AVX-512, VNNI and AMX, at the speed of this one.

    python tests/emulated/older_cpu.py biolord bench CPU-INT8 CPU-FP32 --quick

Unlike an override, it reaches onnxruntime's own choice of kernels. It takes Linux on a CPU whose CPUID may fault
(`cpuid_fault` in /proc/cpuinfo).
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

SOURCE = Path(__file__).with_name("hidden_features.c")


def is_possible() -> bool:
    """Whether this machine's CPUID can be made to fault."""
    info = Path("/proc/cpuinfo")
    return info.exists() and "cpuid_fault" in info.read_text().split()


def build(folder: Path) -> Path:
    """Compile what is preloaded."""
    library = folder / "hidden_features.so"
    command = [sys.executable, "-m", "ziglang", "cc", "-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror"]
    subprocess.run([*command, str(SOURCE), "-o", str(library)], check=True)
    return library


def main() -> int:
    """Run the command of the arguments."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "LD_PRELOAD": str(build(Path(folder)))}
        return subprocess.run(sys.argv[1:], env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
