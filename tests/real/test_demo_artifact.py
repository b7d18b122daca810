"""The artifact that `make demo` leaves: its size, its fidelity, and how fast it answers."""

from __future__ import annotations

import json
import signal
import statistics
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from biolord_export.corpus import MEDICAL_KINDS, builtin_calibration, builtin_verification
from biolord_export.verification.fidelity import FidelityReport
from biolord_onnx.artifact.folder import Artifact
from guards.demo import BIN
from real.bars import FIDELITY, MEGABYTES, SECONDS_TO_EMBED
from real.exports import describe
from real.slowness import slowness
from unit.runtime.command import heeding_signals

pytestmark = pytest.mark.real

Figure = Callable[[str], None]
TEXT = "Cat scratch injury"
RUNS = 5


def test_its_size(demo_artifact: Artifact, figure: Figure) -> None:
    """All files together, the manifest included."""
    megabytes = sum(path.stat().st_size for path in demo_artifact.path.iterdir()) / 1e6
    figure(f"{demo_artifact.manifest.name}: {megabytes:.1f} MB")
    assert megabytes <= MEGABYTES


def test_its_fidelity(demo_artifact: Artifact, figure: Figure) -> None:
    """As its manifest states it, on texts that calibration never saw."""
    assert demo_artifact.manifest.fidelity is not None
    report = FidelityReport.from_json(demo_artifact.manifest.fidelity, "manifest")
    bar = FIDELITY["cpu-int8"]
    for group in report.groups:
        figure(describe(demo_artifact, group))
        if group.kind in MEDICAL_KINDS:
            assert group.cosine_mean >= bar.mean
            assert group.cosine_min >= bar.minimum
        else:
            assert group.cosine_min >= bar.elsewhere
    assert {group.kind: group.texts for group in report.groups} == {
        kind: len(texts) for kind, texts in builtin_verification().items()
    }


def test_it_was_calibrated_on_the_built_in_texts(demo_artifact: Artifact) -> None:
    """An artifact of an earlier state of the texts is found here: remove the folder demo to have it made anew."""
    calibration = demo_artifact.manifest.quantization["calibration"]
    assert isinstance(calibration, dict)
    assert calibration["sha256"] == builtin_calibration().sha256()


def test_one_query_as_a_whole_process(demo_artifact: Artifact, figure: Figure) -> None:
    """From typing the command to the vector, hashes of all files included, in the demo's own environment."""
    command = [str(BIN / "biolord"), "embed", str(demo_artifact.path), TEXT]
    row = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert row["text"] == TEXT
    assert len(row["embedding"]) == demo_artifact.manifest.dim
    seconds = []
    for _ in range(RUNS):
        started = time.perf_counter()
        subprocess.run(command, capture_output=True, check=True)
        seconds.append(time.perf_counter() - started)
    median = statistics.median(seconds)
    slow = slowness(BIN / "python")
    figure(f"embed as a process, median of {RUNS}: {median:.3f} s, on a machine {slow:.2f} times as slow")
    assert median <= SECONDS_TO_EMBED * slow


def test_ctrl_c_twice_ends_bulk_work_quietly(demo_artifact: Artifact, tmp_path: Path) -> None:
    """Whoever is in a hurry presses it again: exit code 130, no complaint, and no half of a file."""
    names = tmp_path / "names.txt"
    names.write_text("\n".join(f"fracture of bone {number} of the left hand" for number in range(20_000)), "utf-8")
    command = [str(BIN / "biolord"), "embed", str(demo_artifact.path), "--input", str(names)]
    with heeding_signals():
        process = subprocess.Popen([*command, "--output", str(tmp_path / "out.npy")], stderr=subprocess.PIPE)
    with process:
        time.sleep(3)
        for _ in range(2):
            process.send_signal(signal.SIGINT)
            time.sleep(0.05)
        _, complaint = process.communicate()
    assert (process.returncode, complaint) == (130, b"")
    assert [path.name for path in tmp_path.iterdir()] == ["names.txt"]
