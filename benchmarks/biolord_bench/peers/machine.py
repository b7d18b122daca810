"""What was measured on."""

from __future__ import annotations

import platform

from biolord_bench.peers.procfs import memory_total
from biolord_onnx.cores import available_cores
from biolord_onnx.cpu import NOTEWORTHY_FEATURES, cpu_features, cpu_model


def describe() -> dict[str, object]:
    """Describe this machine; the cores are those that this process may use."""
    features = cpu_features()
    return {
        "cpu": cpu_model(),
        "features": [name for name in NOTEWORTHY_FEATURES if name in features],
        "cores": available_cores(environ={}).count,
        "memory_mb": round(memory_total()),
        "system": f"{platform.system()} {platform.machine()}",
    }
