"""What a driver of Ray sees of its workers' warnings; in a file of its own, for it starts a cluster of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def test_the_driver_sees_the_warning(tiny: Path) -> None:
    """Ray gives what its tasks write on stderr to the driver."""
    script = (
        "import ray, sys, time\n"
        "from biolord_onnx.ray import EmbedBatch\n"
        "ray.init(num_cpus=1, include_dashboard=False)\n"
        "texts = ray.data.from_items([{'text': 'cat ' * 40}] * 3)\n"
        "texts.map_batches(EmbedBatch(sys.argv[1]), batch_size=3, num_cpus=1).take_all()\n"
        "time.sleep(5)\n"  # Ray brings what its tasks wrote when it gets to it
        "ray.shutdown()\n"
    )
    done = subprocess.run([sys.executable, "-c", script, tiny], capture_output=True, text=True, check=True)
    assert "TruncationWarning: 3 of 3 texts have more than 16 tokens and were cut" in done.stdout + done.stderr
