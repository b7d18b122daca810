"""How slow the machine is, for bars in seconds: what is measured is this project, not who else keeps the cores."""

from __future__ import annotations

import statistics
import subprocess
import time
from pathlib import Path

IMPORTS_S = 0.25
"""What importing the dependencies takes as a whole process where the bars were set, on two cores of its own."""
_IMPORTS = "import numpy, onnxruntime, tokenizers"
_RUNS = 5


def slowness(python: Path) -> float:
    """Return how many times as long a process takes here and now as where the bars were set, 1 at least.

    Args:
        python: of an environment that has the runtime's dependencies.
    """
    seconds = []
    for _ in range(_RUNS):
        started = time.perf_counter()
        subprocess.run([python, "-c", _IMPORTS], check=True)
        seconds.append(time.perf_counter() - started)
    return max(1.0, statistics.median(seconds) / IMPORTS_S)
