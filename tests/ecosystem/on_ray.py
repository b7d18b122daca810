"""Embed in a Ray task while strace watches the task's process: python on_ray.py ARTIFACT FOLDER SECONDS."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import ray

from biolord_onnx.integrations.ray import EmbedBatch
from guards.network import Watch


class Watched(EmbedBatch):
    """Embeds a batch, and waits for what onnxruntime might do afterward."""

    def __init__(self, path: str, folder: str, seconds: float) -> None:
        super().__init__(path)
        self.folder = folder
        self.seconds = seconds

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Embed under strace."""
        with Watch(Path(self.folder)).attached():
            result = super().__call__(batch)
            time.sleep(self.seconds)
        return result


if __name__ == "__main__":
    ray.init(num_cpus=1, include_dashboard=False, log_to_driver=False)
    task = Watched(sys.argv[1], sys.argv[2], float(sys.argv[3]))
    rows = ray.data.from_items([{"text": "fever"}, {"text": "cough"}]).map_batches(task, batch_size=2, num_cpus=1)
    sys.stdout.write(f"{len(rows.take_all())} rows")
