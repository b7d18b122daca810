"""What the tests on real weights share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from biolord_export.demo.models import reference_model
from biolord_onnx.artifact.folder import Artifact
from portable import draft
from portable.environments import interpreter, run
from real.exports import RealExports, demo_artifact, real_exports

CALIBRATION_TEXTS = 80

Drafts = Callable[[str], Path]

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
    """The artifact that `make demo` makes."""
    return demo_artifact()


@pytest.fixture(scope="session")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealExports]:
    """Artifacts of the reference models by name and target."""
    with real_exports(lambda: tmp_path_factory.mktemp("real")) as exports:
        yield exports


@pytest.fixture(scope="session")
def drafts(tmp_path_factory: pytest.TempPathFactory) -> Drafts:
    """Give the folder with both portable graphs of a reference model, made when first asked for."""
    made: dict[str, Path] = {}

    def give(model: str) -> Path:
        if model not in made:
            out = tmp_path_factory.mktemp("portable") / model
            count = str(CALIBRATION_TEXTS)
            run([interpreter("oracle"), draft.__file__, reference_model(model), out, count])
            made[model] = out
        return made[model]

    return give
