"""Limits on address space."""

from __future__ import annotations

import resource
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from biolord_onnx.artifact.folder import open_artifact
from biolord_onnx.artifact.manifest import FileEntry
from biolord_onnx.errors import BiolordError
from biolord_onnx.session.address_space import check_address_space
from unit.runtime.command import COMMAND


@pytest.mark.parametrize("command", [["embed", "cat"], ["similar", "cat", "--input", "NOTICE"]])
@pytest.mark.parametrize("kilobytes", [250_000, 300_000])
def test_too_little_is_one_line(tiny: Path, command: list[str], kilobytes: int) -> None:
    """Not an abort in the middle of a library."""
    line = [*COMMAND, command[0], str(tiny), *command[1:]]
    limited = ["sh", "-c", f'ulimit -v {kilobytes} && exec "$@"', "sh", *line]
    done = subprocess.run(limited, cwd=tiny, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"biolord: this process may have {kilobytes * 1024 / 1e6:.0f} MB of address space (ulimit -v), and "
        "tiny-cpu-fp32 takes about 320 MB: raise the limit\n"
    )


@pytest.mark.parametrize("kilobytes", [400_000, 1_000_000])
def test_enough_is_enough(compiled: Path, kilobytes: int) -> None:
    """Nothing takes room for what a file might have at most, a tokenizer 256 MB."""
    limited = ["sh", "-c", f'ulimit -v {kilobytes} && exec "$@"', "sh", *COMMAND, "embed", str(compiled), "cat"]
    done = subprocess.run([*limited, "--threads", "1"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_weights_count(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are mapped, and by some targets repacked."""
    artifact = open_artifact(tiny)
    files = (*artifact.manifest.files, FileEntry("weights.data", "0" * 64, 400_000_000))
    large = replace(artifact, manifest=replace(artifact.manifest, files=files))
    monkeypatch.setattr(resource, "getrlimit", lambda _: (800_000_000, resource.RLIM_INFINITY))
    check_address_space(artifact)
    with pytest.raises(BiolordError, match=r"may have 800 MB of address space .* takes about 920 MB"):
        check_address_space(large)


def test_without_limits(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is none by default, and no such thing on Windows."""
    check_address_space(open_artifact(tiny))
    monkeypatch.setitem(sys.modules, "resource", None)
    check_address_space(open_artifact(tiny))
