"""What the tests on real weights share."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from biolord_onnx.artifact import Artifact
from real.exports import RealExports, demo_artifact

_FIGURES = pytest.StashKey[list[str]]()


@pytest.fixture(scope="session")
def figure(pytestconfig: pytest.Config) -> Callable[[str], None]:
    """Keep a measured figure for the end of the run, where people look for it."""
    return pytestconfig.stash.setdefault(_FIGURES, []).append


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print what was measured."""
    lines = config.stash.get(_FIGURES, [])
    if lines:
        terminalreporter.section("measured on the real models")
        for line in lines:
            terminalreporter.write_line(line)


@pytest.fixture(scope="session", name="demo_artifact")
def fixture_demo_artifact() -> Artifact:
    """The artefact that `make demo` makes."""
    return demo_artifact()


@pytest.fixture(scope="session")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealExports]:
    """Artefacts of the reference models by name and target."""
    exports = RealExports(tmp_path_factory.mktemp("real"))
    yield exports
    exports.remove()
