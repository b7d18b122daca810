"""What a driver of Ray sees of its workers' warnings; in a file of its own, for it starts a cluster of its own."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

from unit.runtime.command import PATIENCE

WARNING = "TruncationWarning: 3 of 3 texts have more than 16 tokens and were cut"


def test_the_driver_sees_the_warning(tiny: Path) -> None:
    """Ray gives what its tasks write on stderr to the driver, when it gets to it."""
    script = (
        "import ray, sys\n"
        "from biolord_onnx.integrations.ray import EmbedBatch\n"
        "ray.init(num_cpus=1, include_dashboard=False)\n"
        "texts = ray.data.from_items([{'text': 'cat ' * 40}] * 3)\n"
        "texts.map_batches(EmbedBatch(sys.argv[1]), batch_size=3, num_cpus=1).take_all()\n"
        "sys.stdin.read()\n"
        "ray.shutdown()\n"
    )
    command = [sys.executable, "-c", script, str(tiny)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.STDOUT, text=True) as driver:
        assert driver.stdin is not None
        assert driver.stdout is not None
        give_up = threading.Timer(PATIENCE, driver.stdin.close)
        give_up.start()
        told = any(WARNING in line for line in driver.stdout)
        give_up.cancel()
        driver.stdin.close()
        driver.stdout.read()
    assert (told, driver.returncode) == (True, 0)
