"""Builds the library of kernels with zig's C++ compiler, for hatchling and from the command line.

    pip install .                                    a pure-Python wheel: no target runs on the library yet
    BIOLORD_BUILD_KERNELS=on pip install .           compiles for this machine
    python hatch_build.py install                    compiles for this machine, for an editable install of this tree
    python hatch_build.py wheels FOLDER              makes a wheel for every platform, on this machine
    python hatch_build.py build PLATFORM FOLDER      compiles the library of one platform into a folder

The compiler is the package ziglang, so nothing but pip is needed. A library is kept in build/kernels and made again
only when what it is made from changes.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import platform
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = Path(__file__).resolve().parent
SOURCES = ROOT / "kernels"
NATIVE = ROOT / "runtime" / "biolord_onnx" / "_native"
CACHE = ROOT / "build" / "kernels"
SWITCH = "BIOLORD_BUILD_KERNELS"
PLATFORM = "BIOLORD_KERNELS_PLATFORM"
COMPILER = "ziglang>=0.15"

FLAGS = (
    "-O3",
    "-std=c++17",
    "-fPIC",
    "-fvisibility=hidden",
    "-fno-exceptions",
    "-fno-rtti",
    "-fno-threadsafe-statics",  # nothing of the C++ library is linked
    "-fno-math-errno",
    "-ffp-contract=off",  # the same bits on every CPU: the compiler must not fuse on its own
    "-fno-sanitize=undefined",  # zig turns it on
    "-Wall",
    "-Wextra",
    "-Werror",
)
_AVX2 = ("-mavx2", "-mfma")
_VNNI512 = (*_AVX2, "-mavx512f", "-mavx512bw", "-mavx512dq", "-mavx512vl", "-mavx512vnni")
X86_KINDS = {
    "plain": (),
    "avx2": _AVX2,
    "avx_vnni": (*_AVX2, "-mavxvnni"),
    "avx512_vnni": _VNNI512,
    "amx_int8": (*_VNNI512, "-mamx-tile", "-mamx-int8"),
}
# zig takes CPU features of Arm as parts of -mcpu; the last one given counts.
ARM_KINDS = {"plain": "", "neon_dotprod": "+dotprod", "neon_i8mm": "+dotprod+i8mm"}


class Target(NamedTuple):
    """A platform; no dataclass, as hatchling runs this file without making it a module.

    Attributes:
        triple: as zig names it.
        cpu: the least CPU that everything but the kinds is compiled for.
        wheel: the platform tag of its wheel.
        library: the file's name.
    """

    triple: str
    cpu: str
    wheel: str
    library: str = "libbiolord_kernels.so"

    def kinds(self) -> dict[str, tuple[str, ...]]:
        """Return the CPU kinds with the flags that each is compiled with."""
        if self.triple.startswith("x86_64"):
            return X86_KINDS
        return {kind: (f"-mcpu={self.cpu}{features}",) if features else () for kind, features in ARM_KINDS.items()}


TARGETS = {
    "linux_x86_64": Target("x86_64-linux-gnu.2.17", "x86_64", "manylinux_2_17_x86_64"),
    "linux_aarch64": Target("aarch64-linux-gnu.2.17", "generic", "manylinux_2_17_aarch64"),
    "macos_x86_64": Target("x86_64-macos.11.0", "x86_64", "macosx_11_0_x86_64", "libbiolord_kernels.dylib"),
    "macos_arm64": Target("aarch64-macos.11.0", "apple_m1", "macosx_11_0_arm64", "libbiolord_kernels.dylib"),
    "windows_amd64": Target("x86_64-windows-gnu", "x86_64", "win_amd64", "biolord_kernels.dll"),
}
_SYSTEMS = {"Linux": "linux", "Darwin": "macos", "Windows": "windows"}


def this_platform() -> str | None:
    """Return the name of this machine's target, None where there is none."""
    name = f"{_SYSTEMS.get(platform.system())}_{platform.machine().lower()}"
    return (
        name if name in TARGETS and not (platform.system() == "Linux" and platform.libc_ver()[0] != "glibc") else None
    )


def wanted_platform() -> str | None:
    """Return the target to build for, None for a wheel without the library.

    Raises:
        RuntimeError: there is none for this machine, or none of the name asked for.
    """
    asked = os.environ.get(PLATFORM)
    if asked is None and os.environ.get(SWITCH) != "on":
        return None
    name = asked or this_platform()
    if name in TARGETS:
        return name
    here = f"{platform.system()} {platform.machine()}" if name is None else f"{PLATFORM}={name}"
    raise RuntimeError(f"no kernels for {here}, only for {', '.join(TARGETS)}; without {SWITCH}=on none are built")


def build(name: str) -> Path:
    """Compile a target's library, or find it made before, and return its path."""
    made = cached(name)
    if not made.exists():
        link(TARGETS[name], made, [], ("-shared",))
    return made


def build_program(name: str, source: Path) -> Path:
    """Compile a program for tests, all kernels in it and no library of the system's, or find it made before."""
    target = TARGETS[name]
    made = cached(name).parent / f"{source.stem}-{hashlib.sha256(source.read_bytes()).hexdigest()[:16]}"
    if not made.exists():
        alone = target._replace(triple=target.triple.replace("-gnu.2.17", "-musl"))
        link(alone, made, [source], ("-static",))
    return made


def link(target: Target, made: Path, programs: list[Path], options: tuple[str, ...]) -> None:
    """Compile all sources and link them."""
    objects = made.parent / f"objects-{os.getpid()}"
    objects.mkdir(parents=True, exist_ok=True)
    jobs: list[tuple[Path, tuple[str, ...]]] = [(source, ()) for source in (*common_sources(), *programs)]
    jobs += [(SOURCES / "kinds" / f"{kind}.cc", flags) for kind, flags in target.kinds().items()]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        compiled = list(pool.map(lambda job: compile_one(target, job[0], job[1], objects), jobs))
    partial = made.with_suffix(f".{os.getpid()}")
    zig("cc", *machine(target), *options, "-s", *map(str, compiled), "-o", str(partial))
    if not partial.exists():
        raise RuntimeError(f"zig reported success but made no {made.name}")
    partial.replace(made)
    shutil.rmtree(objects, ignore_errors=True)


def common_sources() -> list[Path]:
    """Return the sources that use no CPU's own instructions."""
    return [path for folder in ("", "api", "operators") for path in sorted((SOURCES / folder).glob("*.cc"))]


def machine(target: Target) -> tuple[str, ...]:
    """Return the options for a platform and its least CPU; without them zig takes the CPU it runs on."""
    return ("-target", target.triple, f"-mcpu={target.cpu}")


def compile_one(target: Target, source: Path, flags: tuple[str, ...], folder: Path) -> Path:
    """Compile one source file and return the object's path."""
    output = folder / f"{source.parent.name}_{source.stem}.o"
    zig("c++", *machine(target), *FLAGS, *flags, f"-I{SOURCES}", "-c", str(source), "-o", str(output))
    return output


def zig(*arguments: str) -> None:
    """Run zig.

    Raises:
        RuntimeError: it isn't installed, or failed; its message is on stderr.
    """
    found = importlib.util.find_spec("ziglang")
    if found is None or found.origin is None:
        raise RuntimeError(f"the compiler is missing: pip install '{COMPILER}'")
    program = Path(found.origin).parent / ("zig.exe" if sys.platform == "win32" else "zig")
    environment = {"ZIG_LOCAL_CACHE_DIR": str(CACHE / "zig"), **os.environ}
    result = subprocess.run([program, *arguments], env=environment, check=False, capture_output=True, text=True)
    sys.stderr.write(result.stderr)
    if result.returncode:
        raise RuntimeError(f"zig {arguments[0]} ended with {result.returncode} for {arguments[-3]}")


def cached(name: str) -> Path:
    """Return where a target's library lies once it is built: the folder is named by what it is made from."""
    digest = hashlib.sha256(name.encode())
    for path in (Path(__file__), *sorted(path for suffix in ("*.cc", "*.h") for path in SOURCES.rglob(suffix))):
        if path.parent.name not in {"tests", "bench"}:
            digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return CACHE / name / digest.hexdigest()[:16] / TARGETS[name].library


class KernelsHook(BuildHookInterface):  # type: ignore[type-arg]  # of a builder's configuration, which isn't used
    """Adds the library to wheels, and puts it where an editable install finds it."""

    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        """Ask for the compiler, unless there is nothing to compile."""
        name = wanted_platform() if self.target_name == "wheel" else None
        return [COMPILER] if name and not cached(name).exists() else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the library.

        Args:
            version: ``editable`` or ``standard``.
            build_data: what hatchling makes the wheel from; the library and the tag are added.
        """
        name = wanted_platform() if self.target_name == "wheel" else None
        if name is None:
            return
        library = build(name)
        if version == "editable":
            install(library)
        build_data["force_include"][str(library)] = f"biolord_onnx/_native/{library.name}"
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{TARGETS[name].wheel}"


def install(library: Path) -> None:
    """Copy a library beside the sources; replaced whole, as a process may have it open."""
    NATIVE.mkdir(exist_ok=True)
    partial = NATIVE / f"{library.name}.{os.getpid()}"
    shutil.copyfile(library, partial)
    partial.replace(NATIVE / library.name)


def main(arguments: list[str]) -> None:
    """Run a command of this module's description."""
    if len(arguments) == 2 and arguments[0] == "wheels":
        for name in TARGETS:
            command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", arguments[1]]
            subprocess.run(command, cwd=ROOT, env={**os.environ, PLATFORM: name}, check=True)
    elif len(arguments) == 3 and arguments[0] == "build" and arguments[1] in TARGETS:
        shutil.copy2(build(arguments[1]), arguments[2])
    elif arguments == ["install"] and (here := this_platform()):
        install(build(here))
    else:
        raise SystemExit(f"usage: hatch_build.py install | wheels FOLDER | build {{{','.join(TARGETS)}}} FOLDER")


if __name__ == "__main__":
    main(sys.argv[1:])
