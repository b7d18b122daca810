"""Where onnxruntime leaves AMX unused."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from biolord_onnx.session.amx import amx_note

AMX = frozenset({"avx2", "amx_int8"})


@pytest.mark.parametrize("version", ["1.32.0", "1.32.0+cpu"])
def test_a_single_cpu_at_import_is_told(version: str) -> None:
    """With the release, the reason and two ways out."""
    assert amx_note(version, AMX, 1) == (
        f"onnxruntime {version} uses no AMX in a process that may run on one CPU only when it is imported, as this "
        "one: 8-bit products are nearly three times as slow; allow two CPUs until it is imported, or pip install "
        "onnxruntime==1.31.1"
    )


@pytest.mark.parametrize(
    ("version", "features", "cpus"),
    [("1.32.0", AMX, 2), ("1.31.1", AMX, 1), ("1.25.0", AMX, 1), ("1.33.0", AMX, 1), ("1.32.0", {"avx512_vnni"}, 1)],
)
def test_elsewhere_there_is_nothing_to_tell(version: str, features: set[str], cpus: int) -> None:
    """Another release, another CPU, or more of them."""
    assert amx_note(version, features, cpus) is None


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="the system has no affinity call")
@pytest.mark.parametrize("pinned_before", [True, False])
def test_the_affinity_at_import_counts(pinned_before: bool) -> None:
    """A process that is kept to one CPU before onnxruntime's import gets the note, one kept to it later doesn't."""
    pin, load = "os.sched_setaffinity(0, {min(cpus)})", "engine.import_onnxruntime()"
    steps = [pin, load] if pinned_before else [load, pin]
    code = "import os, sys; from biolord_onnx.session import amx, engine; cpus = os.sched_getaffinity(0); " + "; ".join(
        steps
    )
    code += "; sys.stdout.write(str(len(cpus)) + str(amx.amx_note('1.32.0', {'amx_int8'})))"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert ("uses no AMX" in told) == (pinned_before or told.startswith("1o"))
