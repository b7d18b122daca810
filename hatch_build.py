"""Builds the library of kernels with zig's C++ compiler, for hatchling and from the command line.

    pip install .                               compiles for this machine; so does an editable install
    BIOLORD_BUILD_KERNELS=off pip install .     a pure-Python wheel: artifacts of cpu-int8 and cpu-int4 won't load
    BIOLORD_BUILD_KERNELS=on pip install .      fails on machines without a target, which get a pure wheel otherwise
    python hatch_build.py install               compiles for this machine, for an editable install of this tree
    python hatch_build.py wheels FOLDER         all that is released: a wheel for every platform, and the sdist
    python hatch_build.py build PLATFORM FOLDER compiles the library of one platform into a folder

The compiler is the package ziglang, so nothing but pip is needed. A library is kept in build/kernels, or in the folder
that BIOLORD_KERNELS_CACHE names, and made again only when what it is made from changes.
"""

from __future__ import annotations

import atexit
import hashlib
import importlib.util
import os
import platform
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = Path(__file__).resolve().parent
SOURCES = ROOT / "kernels"
NATIVE = ROOT / "runtime" / "biolord_onnx" / "_native"
TAG = "TAG"
"""The file beside the library that says which wheels it goes into; ``biolord pack`` reads it."""
CACHE = Path(os.environ.get("BIOLORD_KERNELS_CACHE") or ROOT / "build" / "kernels")
SWITCH = "BIOLORD_BUILD_KERNELS"
PLATFORM = "BIOLORD_KERNELS_PLATFORM"
COMPILER = "ziglang==0.17.1"  # before 1.0 each release may change its options; requirements/tools.txt has the same

FLAGS = (
    "-O3",
    "-g0",  # linking would strip what zig writes by default
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

    @property
    def tag(self) -> str:
        """Of its wheel, whole."""
        return f"py3-none-{self.wheel}"

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
    name = f"{_SYSTEMS.get(platform.system())}_{_machine()}"
    runs = sys.maxsize > 2**32 and (platform.system() != "Linux" or platform.libc_ver()[0] == "glibc")
    return name if runs and name in TARGETS else None


def _machine() -> str:
    # On Windows what matters is the machine that Python was built for: it may be emulated on another.
    return (sysconfig.get_platform().rpartition("-")[2] if sys.platform == "win32" else platform.machine()).lower()


def wanted_platform() -> str | None:
    """Return the target to build for, None for a wheel without the library.

    Raises:
        RuntimeError: there is none of the name asked for, none for this machine that must have one, or the variables
            contradict each other.
    """
    asked, switch = os.environ.get(PLATFORM), os.environ.get(SWITCH) or "auto"
    if switch not in {"auto", "on", "off"}:
        raise RuntimeError(f"{SWITCH} is {switch!r}, expected on, off or auto (the default)")
    if switch == "off" and asked:
        raise RuntimeError(f"{SWITCH} is off, and {PLATFORM} is {asked}: unset one of them")
    name = None if switch == "off" else asked or this_platform()
    if name not in TARGETS and (asked or switch == "on"):
        where = f"{PLATFORM}={asked}" if asked else here()
        raise RuntimeError(f"no operators for {where}, only for {', '.join(TARGETS)}; set {SWITCH}=off to do without")
    return name


def here() -> str:
    """Describe this machine as far as targets go by it."""
    bits = "64-bit" if sys.maxsize > 2**32 else "32-bit"
    libc = f" with {platform.libc_ver()[0] or 'another libc than glibc'}" if platform.system() == "Linux" else ""
    return f"{bits} Python on {platform.system()} {_machine()}{libc}"


def build(name: str) -> Path:
    """Compile a target's library, or find it made before, and return its path."""
    made = cached(name)
    if not made.exists():
        # Without a name given, a library of macOS has the path that it was linked at.
        named = (f"-Wl,-install_name,@rpath/{made.name}",) if name.startswith("macos") else ()
        link(TARGETS[name], made, [], ("-shared", *named))
    made.with_name(TAG).write_text(f"{TARGETS[name].tag}\n", "utf-8")
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
        raise RuntimeError(f"the compiler is missing: pip install '{COMPILER}', or set {SWITCH}=off to do without")
    program = Path(found.origin).parent / ("zig.exe" if sys.platform == "win32" else "zig")
    environment = {"ZIG_LOCAL_CACHE_DIR": str(cache_folder() / "zig"), **os.environ}
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
    return cache_folder() / name / digest.hexdigest()[:16] / TARGETS[name].library


@cache
def cache_folder() -> Path:
    """Return where libraries are kept: a folder that goes with this process where the tree can't be written."""
    try:
        CACHE.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=CACHE).close()
    except OSError:
        folder = tempfile.mkdtemp(prefix="biolord-kernels-")
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        return Path(folder)
    return CACHE


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
        if self.target_name != "wheel":
            return
        name = wanted_platform()
        if name is None:
            self.app.display_warning(f"without compiled operators: {why_without()}")
        elif version == "editable":
            install(name)
        else:
            library = build(name)
            for file in (library, library.with_name(TAG)):
                build_data["force_include"][str(file)] = f"biolord_onnx/_native/{file.name}"
            build_data.update(pure_python=False, tag=TARGETS[name].tag)


def why_without() -> str:
    """Say why a wheel has no library, and what that means."""
    reason = f"{SWITCH} is off" if os.environ.get(SWITCH) == "off" else f"there are none for {here()}"
    return f"{reason}; artifacts of cpu-int8 and cpu-int4 will not load, those of other targets will"


def install(name: str) -> None:
    """Put a library beside the sources, where an editable install finds it; replaced whole, as a process may use it.

    Raises:
        RuntimeError: it is another platform's: this tree would not run here any more.
    """
    if name != this_platform():
        raise RuntimeError(f"an editable install is for {here()}, not for {name}: unset {PLATFORM}")
    library = build(name)
    NATIVE.mkdir(exist_ok=True)
    for file in (library, library.with_name(TAG)):
        partial = NATIVE / f".{file.name}.{os.getpid()}"
        shutil.copyfile(file, partial)
        partial.replace(NATIVE / file.name)


def make_release(folder: str) -> None:
    """Make a wheel for every platform, and the source distribution."""
    environment = {name: value for name, value in os.environ.items() if name not in {SWITCH, PLATFORM}}
    jobs = [("wheel", {PLATFORM: name}) for name in TARGETS]
    for target, variables in [*jobs, ("sdist", {})]:
        command = [sys.executable, "-m", "hatchling", "build", "--target", target, "--directory", folder]
        subprocess.run(command, cwd=ROOT, env=environment | variables, check=True)


def main(arguments: list[str]) -> None:
    """Run a command of this module's description."""
    if len(arguments) == 2 and arguments[0] == "wheels":
        make_release(str(Path(arguments[1]).absolute()))
    elif len(arguments) == 3 and arguments[0] == "build" and arguments[1] in TARGETS:
        shutil.copy2(build(arguments[1]), arguments[2])
    elif arguments == ["install"]:
        install_here()
    else:
        raise SystemExit(f"usage: hatch_build.py install | wheels FOLDER | build {{{','.join(TARGETS)}}} FOLDER")


def install_here() -> None:
    """Put this machine's library beside the sources."""
    name = this_platform()
    if name is None:
        raise SystemExit(f"hatch_build.py: no operators for {here()}, only for {', '.join(TARGETS)}")
    install(name)


if __name__ == "__main__":
    main(sys.argv[1:])
