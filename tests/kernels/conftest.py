"""What the tests of the kernels share: the compiled library, without which they can't run."""

from __future__ import annotations

import pytest

from biolord_onnx.errors import ProviderError
from biolord_onnx.session import kernels
from guards.missing import missing


def kinds_here() -> tuple[str, ...]:
    """Return the kinds that this machine can run, none where the library wasn't built."""
    try:
        return kernels.available()
    except ProviderError:
        return ()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run tests of a ``kind`` for every kind of this machine but the plain one, which is the truth."""
    if "kind" in metafunc.fixturenames:
        metafunc.parametrize("kind", [kind for kind in kinds_here() if kind != "plain"])


@pytest.fixture(autouse=True, scope="session")
def _built() -> None:
    if not kinds_here():
        missing("the kernels aren't built: pip install ziglang, python hatch_build.py install")
