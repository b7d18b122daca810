"""Which instructions the CPU has, and whether an artifact's graph gives right vectors on it."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from biolord_onnx.artifact.manifest import Manifest
from biolord_onnx.errors import ArtifactError
from biolord_onnx.session.saturation import ProductSum

IGNORE_VARIABLE = "BIOLORD_IGNORE_CPU_FEATURES"
SAFE_TARGET = "cpu-int8"
# An artifact that asks for one of these has 8-bit products that other CPUs may get wrong.
EXACT_PRODUCT_FEATURES = frozenset({"avx512_vnni", "avx_vnni", "avx_vnni_int8", "amx_int8", "asimddp", "i8mm"})
# What int8 kernels ask for, and what to show to people.
NOTEWORTHY_FEATURES = ("avx2", "avx512f", "avx512_vnni", "avx_vnni", "amx_int8", "asimddp", "i8mm")

_WAY_OUT = f"export with --target {SAFE_TARGET}, or set {IGNORE_VARIABLE}=1 to run it all the same"
_CPUINFO = Path("/proc/cpuinfo")
_FEATURE_KEYS = ("flags", "Features")  # x86, Arm
_MODEL_KEYS = ("model name", "Model", "cpu model")
# Names of Arm features: macOS' sysctl -> Linux' /proc/cpuinfo.
_SYSCTL_FEATURES = {"hw.optional.arm.FEAT_DotProd": "asimddp", "hw.optional.arm.FEAT_I8MM": "i8mm"}


def cpu_features(cpuinfo: Path = _CPUINFO, *, system: str = sys.platform) -> frozenset[str]:
    """Return the CPU's instruction sets by their Linux names, such as ``avx512_vnni`` or ``asimddp``.

    Empty where the system doesn't tell.

    Args:
        cpuinfo: Linux' description of the CPUs.
        system: The platform, as in `sys.platform`.
    """
    if system == "darwin":
        return frozenset(name for key, name in _SYSCTL_FEATURES.items() if _sysctl(key) == "1")
    values = _cpuinfo_values(cpuinfo)
    return frozenset(feature for key in _FEATURE_KEYS for feature in values.get(key, "").split())


def cpu_model(cpuinfo: Path = _CPUINFO, *, system: str = sys.platform) -> str:
    """Return the CPU's name, or its architecture where the system doesn't tell."""
    if system == "darwin":
        return _sysctl("machdep.cpu.brand_string") or platform.machine()
    values = _cpuinfo_values(cpuinfo)
    names = [values[key] for key in _MODEL_KEYS if values.get(key)]
    return names[0] if names else platform.machine()


def check_requirements(
    manifest: Manifest,
    features: frozenset[str],
    measure: Callable[[], ProductSum],
    *,
    environ: Mapping[str, str] = os.environ,
) -> None:
    """Refuse an artifact whose graph would give wrong vectors on this CPU, or needs what the CPU lacks.

    Integer dot products (VNNI, AMX, Arm's dotprod) are asked for because 8-bit matmuls without them can saturate. So
    the kernels are asked, not the flags: exact kernels run the artifact, slower perhaps, even where the system names no
    such feature (Arm, CPUs older than AVX2, masked flags); saturating ones don't, even where it does (emulators that
    show the host's flags). For any other feature the flags decide.

    Args:
        manifest: The artifact's.
        features: From `cpu_features`.
        measure: Tells what the kernels make of the largest products; asked only if that matters.
        environ: Environment variables; BIOLORD_IGNORE_CPU_FEATURES=1 turns the check off.

    Raises:
        ArtifactError: The kernels saturate, or none of the needed features is there.
    """
    needed = manifest.requires.cpu_any_of
    if not needed or environ.get(IGNORE_VARIABLE) == "1":
        return
    if EXACT_PRODUCT_FEATURES.isdisjoint(needed):
        _check_features(manifest, features)
    else:
        _check_products(manifest, features, measure())


def _check_features(manifest: Manifest, features: frozenset[str]) -> None:
    needed = manifest.requires.cpu_any_of
    if features.isdisjoint(needed):
        raise ArtifactError(
            f"{manifest.name} needs a CPU with one of {', '.join(needed)}; {cpu_model()} has none of them: {_WAY_OUT}"
        )


def _check_products(manifest: Manifest, features: frozenset[str], products: ProductSum) -> None:
    if products.exact:
        return
    needed = manifest.requires.cpu_any_of
    claimed = ", ".join(name for name in needed if name in features)
    said = f"lists {claimed} but does not run it" if claimed else f"has none of {', '.join(needed)}"
    raise ArtifactError(
        f"{manifest.name} would give wrong vectors here: {cpu_model()} {said}, and its 8-bit products saturate (a sum "
        f"is {products.found:.0f}, expected {products.expected:.0f}): {_WAY_OUT}"
    )


def _cpuinfo_values(path: Path) -> dict[str, str]:
    """Read the first CPU's lines ``key : value``."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return {}
    values: dict[str, str] = {}
    for line in text.splitlines():
        key, _, value = line.partition(":")
        values.setdefault(key.strip(), value.strip())
    return values


def _sysctl(key: str) -> str:
    import subprocess  # macOS alone needs it, and it takes a while to import

    try:
        result = subprocess.run(["sysctl", "-n", key], capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return result.stdout.strip()
