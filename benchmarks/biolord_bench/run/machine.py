"""What a benchmark ran on."""

from __future__ import annotations

import platform

import psutil

from biolord_bench.results.results import Machine
from biolord_onnx.session.cores import available_cores
from biolord_onnx.session.cpu import NOTEWORTHY_FEATURES, cpu_features, cpu_model


def describe_machine() -> Machine:
    """Describe this machine; the cores are those that this process may use."""
    features = cpu_features()
    return Machine(
        cpu=cpu_model(),
        features=tuple(name for name in NOTEWORTHY_FEATURES if name in features),
        cores=available_cores(environ={}).count,
        memory_mb=round(psutil.virtual_memory().total / 1e6),
        system=f"{platform.system()} {platform.release()} {platform.machine()}",
    )
