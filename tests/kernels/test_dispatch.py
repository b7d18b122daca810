"""Which kernels run, and what is said where they can't."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import onnxruntime
import pytest

from biolord_onnx.errors import ProviderError
from biolord_onnx.session import kernels
from kernels.encoder import Encoder, Sizes, whole_model
from kernels.running import ids_feed, open_session, run

ASK = (
    "import json; from biolord_onnx.session import kernels; print(json.dumps([kernels.chosen(), *kernels.available()]))"
)
REGISTER = """
import onnxruntime
from biolord_onnx.session import kernels
onnxruntime.SessionOptions().register_custom_ops_library(str(kernels.library_path()))
"""


def python(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run code in a process of its own."""
    return subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )


def test_the_best_kind_is_chosen() -> None:
    """And plain is always there, last."""
    chosen, *available = json.loads(python(ASK, BIOLORD_KERNELS="").stdout)
    assert chosen == available[0]
    assert available[-1] == "plain"


def test_a_kind_can_be_forced(kind: str) -> None:
    """By the environment."""
    assert json.loads(python(ASK, BIOLORD_KERNELS=kind).stdout)[0] == kind


@pytest.mark.parametrize("name", ["avx3", "AVX2", "sse 2"])
def test_a_kind_that_does_not_exist_is_refused(name: str) -> None:
    """With a line that names those that do, in Python and where onnxruntime loads the library by itself."""
    asked = python(ASK, BIOLORD_KERNELS=name)
    assert f"BIOLORD_KERNELS is {name}, which can't be had; this machine can run " in asked.stderr.splitlines()[-1]
    registered = python(REGISTER, BIOLORD_KERNELS=name)
    assert f"BIOLORD_KERNELS is {name}, which this library doesn't have; this machine can run" in registered.stderr


def test_a_missing_library_says_how_to_get_it(tmp_path: Path) -> None:
    """A pure-Python install."""
    for system in ("linux", "darwin", "win32"):
        with pytest.raises(ProviderError, match=r"are missing here .* pip install --force-.* artifacts of cpu-fp32, "):
            kernels.library_path(tmp_path, system=system)


def test_a_library_that_is_none(tmp_path: Path) -> None:
    """A damaged file."""
    broken = tmp_path / "libbiolord_kernels.so"
    broken.write_bytes(b"not a library")
    with pytest.raises(ProviderError, match="the compiled operators can't be loaded: "):
        kernels._library(broken)


def test_an_unknown_kind_in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """What `chosen` says when the library chooses none."""

    class Library:
        def __init__(self) -> None:
            self.names = [b"plain", None]

        def biolord_kernels_kind(self, index: int) -> bytes | None:
            return self.names[index]

        def biolord_kernels_chosen(self) -> None:
            return None

    monkeypatch.setattr(kernels, "_library", lambda _: Library())
    monkeypatch.setenv("BIOLORD_KERNELS", "avx9")
    with pytest.raises(ProviderError, match="BIOLORD_KERNELS is avx9, which can't be had; this machine can run plain"):
        kernels.chosen()


def test_sessions_side_by_side_and_forked() -> None:
    """Several sessions at once, and a child that was forked while they are open."""
    model, feed = whole_model(Encoder.random(Sizes())), ids_feed([9, 4], 101)
    sessions = [open_session(model, kind) for kind in kernels.available()]
    expected = [a.tobytes() for a in run(sessions[0], feed)]
    child = os.fork()
    if child == 0:
        same = [[a.tobytes() for a in run(session, feed)] == expected for session in sessions]
        os._exit(0 if all(same) else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert all([a.tobytes() for a in run(session, feed)] == expected for session in sessions)


def test_without_the_library_its_operators_are_unknown() -> None:
    """And so is an operator that it doesn't have."""
    model = whole_model(Encoder.random(Sizes(layers=1)))
    assert kernels._library(kernels.library_path()).biolord_kernels_version() == b"1"
    with pytest.raises(onnxruntime.capi.onnxruntime_pybind11_state.Fail, match="not a registered"):
        onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    model.graph.node[0].op_type = "Unknown"
    with pytest.raises(onnxruntime.capi.onnxruntime_pybind11_state.Fail, match="not a registered"):
        open_session(model, "plain")
