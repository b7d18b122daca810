"""The operators under the address and undefined-behavior sanitizers, on random graphs of which most lie."""

from __future__ import annotations

import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import hatch_build
from guards.missing import find_program

pytestmark = pytest.mark.real

FLAGS = ("-O1", "-g", "-std=c++17", "-ffp-contract=off", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
GRAPHS = 1500


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The fuzzer, compiled by the system's compiler: zig brings no address sanitizer."""
    if hatch_build.this_platform() != "linux_x86_64":
        pytest.skip("the flags are those of an x86 Linux")
    compiler = find_program("g++", "g++")
    folder, sources = tmp_path_factory.mktemp("fuzz"), hatch_build.SOURCES
    common = [path for path in hatch_build.common_sources() if path.name != "registration.cc"]
    jobs: list[tuple[Path, tuple[str, ...]]] = [(path, ()) for path in (*common, sources / "tests" / "fuzz.cc")]
    jobs += [(sources / "kinds" / f"{kind}.cc", flags) for kind, flags in hatch_build.X86_KINDS.items()]

    def compile_one(job: tuple[Path, tuple[str, ...]]) -> str:
        path = folder / f"{'-'.join(job[0].relative_to(sources).parts)}.o"
        options = (*FLAGS, *job[1], f"-I{sources}", f"-I{sources.parent}")
        subprocess.run([compiler, *options, "-c", str(job[0]), "-o", str(path)], check=True, timeout=500)
        return str(path)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        objects = list(pool.map(compile_one, jobs))
    subprocess.run([compiler, *FLAGS, *objects, "-o", str(folder / "fuzz")], check=True)
    return folder / "fuzz"


@pytest.mark.parametrize("seed", [1, 2])
def test_no_access_beyond_a_tensor(program: Path, seed: int) -> None:
    """Every kind of this machine; valid graphs run, all others are refused with a line."""
    result = subprocess.run([str(program), str(GRAPHS), str(seed)], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr[-4000:] + result.stdout[-500:]
    for line in result.stdout.splitlines():
        kind, counts = line.split(": ")
        graphs, valid = (int(word) for word in counts.split() if word.isdecimal())
        assert (kind in {"plain", *hatch_build.X86_KINDS}, graphs) == (True, GRAPHS)
        assert GRAPHS / 5 < valid < GRAPHS * 9 / 10
