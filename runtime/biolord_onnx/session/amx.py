"""Where onnxruntime leaves AMX unused, though the CPU has it."""

from __future__ import annotations

from collections.abc import Set as AbstractSet

from biolord_onnx.session.engine import cpus_at_import
from biolord_onnx.session.options import parse_version

# They take the CPUs that the process may use while they are imported for all there are, and a single one for one
# without AMX. Measured on 1.25.0 to 1.32.0: no other release does.
_AFFECTED = ([1, 32, 0],)
_NOT_AFFECTED = "1.31.1"


def amx_note(version: str, features: AbstractSet[str], cpus: int | None = None) -> str | None:
    """Tell that 8-bit products are slower than this CPU's could be, and what to do; None if they aren't.

    Args:
        version: Of onnxruntime.
        features: From `cpu_features`.
        cpus: That the process might run on when onnxruntime was imported; None for what they were.
    """
    if "amx_int8" not in features or parse_version(version) not in _AFFECTED:
        return None
    if (cpus_at_import() if cpus is None else cpus) > 1:
        return None
    return (
        f"onnxruntime {version} uses no AMX in a process that may run on one CPU only when it is imported, as this "
        "one: 8-bit products are nearly three times as slow; allow two CPUs until it is imported, or pip install "
        f"onnxruntime=={_NOT_AFFECTED}"
    )
