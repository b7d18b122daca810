"""The package's face: what it exports and how cheap it is to import."""

from __future__ import annotations

import subprocess
import sys

import pytest

import biolord_onnx


def run_python(code: str) -> str:
    """Run code in a fresh interpreter and return what it printed."""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return result.stdout.strip()


def test_importing_the_package_imports_nothing_heavy() -> None:
    """`import biolord_onnx` leaves numpy, onnxruntime and tokenizers alone."""
    heavy = run_python(
        "import sys, biolord_onnx\n"
        "print([m for m in ('numpy', 'onnxruntime', 'tokenizers', 'tqdm', 'pyarrow') if m in sys.modules])"
    )
    assert heavy == "[]"


def test_the_first_use_imports_what_it_needs() -> None:
    """A public name is imported at its first use and stays."""
    printed = run_python(
        "import sys, biolord_onnx\n"
        "first = biolord_onnx.Embedder\n"
        "print('numpy' in sys.modules, 'onnxruntime' in sys.modules, vars(biolord_onnx)['Embedder'] is first)"
    )
    assert printed == "True False True"


@pytest.mark.parametrize("name", biolord_onnx.__all__)
def test_every_public_name_exists(name: str) -> None:
    """What `__all__` promises can be had and is listed by dir()."""
    assert getattr(biolord_onnx, name).__name__ == name
    assert name in dir(biolord_onnx)


def test_public_names_are_sorted() -> None:
    """`__all__` is in order, so that a difference is easy to see."""
    assert biolord_onnx.__all__ == sorted(biolord_onnx.__all__)


def test_an_unknown_name_is_an_attribute_error() -> None:
    """A misspelled name fails as it does for any module."""
    with pytest.raises(AttributeError, match=r"module 'biolord_onnx' has no attribute 'Embeder'"):
        biolord_onnx.Embeder  # noqa: B018 - looking it up is the test


def test_the_version_is_a_version() -> None:
    """The version that the wheel takes from here has three numbers."""
    assert len([int(part) for part in biolord_onnx.__version__.split(".")]) == 3
