"""The compiled operators, on which the 8-bit and 4-bit targets run: where they are, and what they use here.

register(options) makes them known to a session; the library is this package's own, never one from an artifact.
"""

from __future__ import annotations

import os
import sys
from ctypes import CDLL, c_char_p, c_int
from functools import cache
from pathlib import Path
from typing import Protocol

from biolord_onnx import __version__
from biolord_onnx.errors import ProviderError
from biolord_onnx.graph.compiled_operators import DOMAIN, VERSIONS

VARIABLE = "BIOLORD_KERNELS"
_NAMES = {"darwin": "libbiolord_kernels.dylib", "win32": "biolord_kernels.dll"}
_FOLDER = Path(__file__).resolve().parents[1] / "_native"


class Registering(Protocol):
    """The part of ``onnxruntime.SessionOptions`` that is used here."""

    def register_custom_ops_library(self, path: str, /) -> None:
        """Load a library of operators."""


def library_path(folder: Path = _FOLDER, *, system: str = sys.platform) -> Path:
    """Return the absolute path of the compiled operators.

    Args:
        folder: Where the package keeps them.
        system: The platform, as in `sys.platform`.

    Raises:
        ProviderError: This installation has none.
    """
    path = folder / _NAMES.get(system, "libbiolord_kernels.so")
    if path.is_file():
        return path
    # Without --no-cache-dir pip may take a wheel from its cache that was made without them.
    raise ProviderError(
        f"the compiled operators, on which cpu-int8 and cpu-int4 run, are missing here ({path} doesn't exist): "
        f"pip install --force-reinstall --no-deps --no-cache-dir biolord-onnx=={__version__}, or pip install . in a "
        "clone, brings them to 64-bit Python on macOS, Windows (x86) and Linux with glibc (x86, Arm); artifacts of "
        "cpu-fp32, cuda-fp16 and the portable targets run without"
    )


def available() -> tuple[str, ...]:
    """Return the kinds of kernels that this machine can run, such as ``avx2``, best first.

    Raises:
        ProviderError: The library is missing or can't be loaded.
    """
    function = _library(library_path()).biolord_kernels_kind
    names: list[str] = []
    while name := function(len(names)):
        names.append(name.decode())
    return tuple(names)


def chosen() -> str:
    """Return the kind that sessions of this process use: the best, or the one that BIOLORD_KERNELS names.

    Raises:
        ProviderError: The library is missing, or this machine can't run what the variable names.
    """
    name = _library(library_path()).biolord_kernels_chosen()
    if name is None:
        here = ", ".join(available())
        raise ProviderError(
            f"{VARIABLE} is {os.environ.get(VARIABLE)}, which can't be had; this machine can run {here}"
        )
    return str(name.decode())


def release_scratch() -> None:
    """Free the memory that the operators keep for their next run: after large ones it is some 10 MB for each at once.

    Raises:
        ProviderError: The library is missing or can't be loaded.
    """
    _library(library_path()).biolord_kernels_release()


def register(options: Registering) -> None:
    """Make the operators known to sessions that are opened with these options.

    Raises:
        ProviderError: The library is missing or can't be loaded, or this machine can't run what BIOLORD_KERNELS names.
    """
    path = library_path()
    chosen()
    options.register_custom_ops_library(str(path))


def open_library() -> CDLL:
    """Return the library, with the kind of kernels chosen, for what is called from Python.

    Raises:
        ProviderError: The library is missing or can't be loaded, or this machine can't run what BIOLORD_KERNELS names.
    """
    chosen()
    return _library(library_path())


@cache
def _library(path: Path) -> CDLL:
    try:
        library = CDLL(str(path))
    except OSError as error:
        raise ProviderError(f"the compiled operators can't be loaded: {error}") from error
    library.biolord_kernels_kind.argtypes = [c_int]
    library.biolord_kernels_use.argtypes = [c_char_p]
    library.biolord_kernels_release.restype = None
    for function in (library.biolord_kernels_kind, library.biolord_kernels_chosen, library.biolord_kernels_version):
        function.restype = c_char_p
    found, expected = library.biolord_kernels_version().decode(), str(VERSIONS[DOMAIN])
    if found != expected:
        raise ProviderError(
            f"the compiled operators are of version {found}, this biolord-onnx needs version {expected}: install it "
            "again, with both from one release"
        )
    return library
