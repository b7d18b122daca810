"""Which kinds of kernels the compiled operators have here, for people and programs that ask."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from biolord_onnx.errors import ProviderError
from biolord_onnx.session import kernels

# What a kind needs, by the name that systems have for it.
_FEATURES: Mapping[str, str] = {
    "amx_int8": "amx_int8",
    "avx512_vnni": "avx512_vnni",
    "avx_vnni": "avx_vnni",
    "avx2": "avx2",
    "neon_i8mm": "i8mm",
    "neon_dotprod": "asimddp",
}


@dataclass(frozen=True, slots=True)
class Kinds:
    """The kinds of kernels.

    Attributes:
        chosen: What runs, None where nothing does.
        available: What this machine can run, best first.
        problem: Why nothing runs, or None.
    """

    chosen: str | None
    available: tuple[str, ...] = ()
    problem: str | None = None


def find_kinds() -> Kinds:
    """Find out what runs here."""
    available: tuple[str, ...] = ()
    try:
        available = kernels.available()
        return Kinds(kernels.chosen(), available)
    except ProviderError as error:
        return Kinds(None, available, str(error))


def refused_note(kinds: Kinds, features: AbstractSet[str]) -> str | None:
    """Tell of kernels that the CPU has instructions for and its system doesn't let run; None if there are none.

    A sandbox (seccomp, gVisor) may refuse AMX, which a process has to ask for; emulators show their host's flags.

    Args:
        kinds: From `find_kinds`.
        features: From `cpu_features`.
    """
    refused = [kind for kind, name in _FEATURES.items() if name in features and kind not in kinds.available]
    if not refused or not kinds.available:
        return None
    return (
        f"the CPU lists {_FEATURES[refused[0]]}, and the system doesn't let this process use it (a sandbox, or an "
        f"emulator?): {kinds.available[0]} is the best kind that can run, slower and with the same vectors"
    )
