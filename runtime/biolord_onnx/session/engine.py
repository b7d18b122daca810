"""Importing onnxruntime, the one place where it is done: silent toward the network, and of a release that is right.

onnxruntime's wheels from 1.29 on look up a Microsoft host within seconds of the first session, and keep a device id and
a database of events in the home folder. It reads whether it may when it is imported, so that is when it is told.
"""

from __future__ import annotations

import os
import sys
import warnings
from contextlib import redirect_stdout
from functools import cache
from types import ModuleType

from biolord_onnx.errors import ArtifactError, MissingDependencyError
from biolord_onnx.session.options import parse_version

TELEMETRY_VARIABLE = "ORT_DISABLE_TELEMETRY"
# Releases from 1.21 to 1.24.4 multiply 8-bit numbers wrongly on CPUs with AMX where a product has 32 rows or more and
# its last columns fill more than half of two tiles: https://github.com/microsoft/onnxruntime/issues/26324
LOWEST_ONNXRUNTIME = "1.25.0"

_FIRST_WITH_TELEMETRY = [1, 29]
_OPENVINO_BUILD = "onnxruntime-openvino"


def import_onnxruntime() -> ModuleType:
    """Import onnxruntime, whichever distribution brings it, with its telemetry off.

    ORT_DISABLE_TELEMETRY is set for this process and those it starts, unless it is set already: 0 leaves telemetry on.

    Raises:
        MissingDependencyError: None does, or the one there is broken.
    """
    imported_before = sys.modules.get("onnxruntime") is not None
    unset = not os.environ.get(TELEMETRY_VARIABLE)
    if unset:
        os.environ[TELEMETRY_VARIABLE] = "1"
    if not imported_before:
        cpus_at_import()
    ort = _import()
    if imported_before and unset and parse_version(ort.__version__) >= _FIRST_WITH_TELEMETRY:
        _warn_of_telemetry(ort.__version__)
    return ort


@cache
def cpus_at_import() -> int:
    """Return how many CPUs this process might run on when onnxruntime was imported, or when this was first called."""
    # macOS and Windows have no affinity call.
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def check_release(version: str, lowest: str = LOWEST_ONNXRUNTIME) -> None:
    """Refuse an onnxruntime that is older than an artifact needs, or than any may be.

    Args:
        version: Of the onnxruntime there is.
        lowest: What an artifact needs.

    Raises:
        ArtifactError: It is too old; names both versions and the pip command.
    """
    needed = max(lowest, LOWEST_ONNXRUNTIME, key=parse_version)
    if parse_version(version) < parse_version(needed):
        why = "" if needed != LOWEST_ONNXRUNTIME else " (1.21 to 1.24 multiply 8-bit numbers wrongly on CPUs with AMX)"
        raise ArtifactError(
            f"onnxruntime is {version}, the artifact needs {needed} or later{why}: {_upgrade_command(needed)}"
        )


def load_nvidia_libraries(ort: ModuleType) -> None:
    """Load CUDA and cuDNN where pip brought them; the system's are found without. What is missing is told on stderr.

    Args:
        ort: The module, from `import_onnxruntime`.
    """
    with redirect_stdout(sys.stderr):
        ort.preload_dlls()


def ort_errors() -> tuple[type[Exception], ...]:
    """Return onnxruntime's exception classes, which have no base of their own."""
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    return tuple(value for value in vars(state).values() if isinstance(value, type) and issubclass(value, Exception))


def one_line(error: Exception) -> str:
    """Return an exception's message without its line breaks."""
    return " ".join(str(error).split())


def _import() -> ModuleType:
    try:
        import onnxruntime
    except ImportError as error:
        if isinstance(error.__cause__, KeyboardInterrupt):  # Ctrl-C while its library was being initialized
            raise error.__cause__ from None
        if error.name == "onnxruntime":
            raise MissingDependencyError(
                "onnxruntime is not installed: pip install 'biolord-onnx[cpu]' "
                "(or [cuda]; not both, they share a folder)"
            ) from error
        raise MissingDependencyError(
            f"onnxruntime is installed, but can't be imported ({one_line(error)}): fix what it names, or uninstall "
            "every onnxruntime there is, they share a folder, and pip install 'biolord-onnx[cpu]' again"
        ) from error
    return onnxruntime  # type: ignore[no-any-return, unused-ignore]


@cache
def _warn_of_telemetry(version: str) -> None:
    warnings.warn(
        f"onnxruntime {version} was imported before biolord_onnx could turn its telemetry off: it looks up a Microsoft "
        f"host and writes to ~/.cache/Microsoft. Set {TELEMETRY_VARIABLE}=1 (or 0, to have it so) before the process "
        "starts, or load an Embedder before anything imports onnxruntime",
        stacklevel=3,
    )


def _upgrade_command(needed: str) -> str:
    from importlib.metadata import packages_distributions  # slow, and needed only here

    names = {name.lower().replace("_", "-") for name in packages_distributions().get("onnxruntime", [])}
    if _OPENVINO_BUILD in names:  # ends at 1.24.1
        remove = f"pip uninstall -y {' '.join(sorted(names))}"
        return f"{remove} && pip install 'onnxruntime>={needed}' onnxruntime-ep-openvino"
    return f"pip install -U '{min(names, default='onnxruntime')}>={needed}'"
