"""Which kernels run, as people are told."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from biolord_onnx.session import kernels
from biolord_onnx.session.cpu import cpu_features
from biolord_onnx.session.kernel_kinds import Kinds, find_kinds, refused_note
from unit.runtime.command import COMMAND

# Has the system refuse a process tiles (ARCH_REQ_XCOMP_PERM), as sandboxes do, and then runs the command line.
SANDBOX = """
import ctypes, struct, sys
def step(code, true, false, value): return struct.pack("HBBI", code, true, false, value)
filters = b"".join([
    step(0x20, 0, 0, 0),            # the call's number
    step(0x15, 0, 3, 158),          # arch_prctl
    step(0x20, 0, 0, 16),           # its first argument
    step(0x15, 0, 1, 0x1023),
    step(0x06, 0, 0, 0x00050001),   # EPERM
    step(0x06, 0, 0, 0x7FFF0000),   # as it comes
])
held = ctypes.create_string_buffer(filters)
program = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(filters) // 8, ctypes.addressof(held)))
libc = ctypes.CDLL(None, use_errno=True)
assert libc.prctl(38, 1, 0, 0, 0) == 0
assert libc.prctl(22, 2, ctypes.c_void_p(ctypes.addressof(program)), 0, 0) == 0
from biolord_onnx.cli.main import main
sys.exit(main())
"""


def test_the_kinds_are_found() -> None:
    """The best is chosen, and all that can run are listed."""
    kinds = find_kinds()
    assert kinds.chosen in kinds.available
    assert kinds.available[-1] == "plain"
    assert kinds.problem is None


def test_a_missing_library_is_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Told, not raised: there is nothing that runs, and nothing that could."""
    monkeypatch.setattr(kernels, "library_path", partial(kernels.library_path, tmp_path))
    kinds = find_kinds()
    assert (kinds.chosen, kinds.available) == (None, ())
    assert f"{tmp_path}" in str(kinds.problem)
    assert refused_note(kinds, frozenset({"amx_int8"})) is None


def test_a_kind_that_cannot_be_had_is_a_problem() -> None:
    """Beside what can: the variable is read when the library is loaded, so by another process."""
    code = "import dataclasses, json; from biolord_onnx.session import kernel_kinds as k; "
    code += "print(json.dumps(dataclasses.asdict(k.find_kinds())))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "BIOLORD_KERNELS": "avx9"},
        capture_output=True,
        text=True,
        check=True,
    )
    found = json.loads(done.stdout)
    assert found["chosen"] is None
    assert found["available"][-1] == "plain"
    assert found["problem"].startswith("BIOLORD_KERNELS is avx9")


@pytest.mark.parametrize(
    ("feature", "kind"), [("amx_int8", "avx512_vnni"), ("avx512_vnni", "avx2"), ("i8mm", "neon_dotprod"), ("avx2", "x")]
)
def test_what_the_system_refuses_is_told(feature: str, kind: str) -> None:
    """Instructions that the CPU lists, without a kind that uses them."""
    assert refused_note(Kinds(kind, (kind, "plain")), frozenset({feature, "fpu"})) == (
        f"the CPU lists {feature}, and the system doesn't let this process use it (a sandbox, or an emulator?): {kind} "
        "is the best kind that can run, slower and with the same vectors"
    )


def test_where_all_can_run_there_is_nothing_to_tell() -> None:
    """Of other instructions neither."""
    assert refused_note(Kinds("avx2", ("avx2", "plain")), frozenset({"avx2", "sse4_2"})) is None


@pytest.mark.skipif(
    platform.system() != "Linux" or "amx_int8" not in cpu_features(), reason="the CPU has no AMX that could be refused"
)
def test_a_sandbox_that_refuses_tiles(compiled: Path) -> None:
    """A real one: the next kind runs, gives the same bits, and ``info`` says so."""
    told = subprocess.run(
        [sys.executable, "-c", SANDBOX, "info", compiled, "--json"], capture_output=True, text=True, check=True
    )
    here = json.loads(told.stdout)["here"]
    assert here["kernels"]["chosen"] == "avx512_vnni"
    assert "the CPU lists amx_int8, and the system doesn't let this process use it" in here["notes"][0]
    embed = ["embed", str(compiled), "cat scratch"]
    inside = subprocess.run([sys.executable, "-c", SANDBOX, *embed], capture_output=True, text=True, check=True)
    outside = subprocess.run([*COMMAND, *embed], capture_output=True, text=True, check=True)
    assert inside.stdout == outside.stdout
