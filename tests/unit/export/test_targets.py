"""The targets that can be exported."""

from __future__ import annotations

import argparse

import pytest

from biolord_export.cli.export import DEFAULT_TARGET, configure
from biolord_export.errors import ExportError
from biolord_export.targets import INT8_FEATURES, TARGETS, find_target
from biolord_export.verification.fidelity import FidelityGate
from biolord_onnx.graph.compiled_operators import VERSIONS


def test_a_target_is_found_by_its_name() -> None:
    """Every row stands under its own name."""
    for name in TARGETS:
        assert find_target(name).name == name


@pytest.mark.parametrize("name", ["", "cpu_int8", "CPU-INT8", "fp32"])
def test_an_unknown_name_is_refused_with_those_there_are(name: str) -> None:
    """The message is enough to correct the command."""
    with pytest.raises(ExportError, match=f"target is {name!r}, expected one of {', '.join(TARGETS)}$"):
        find_target(name)


def test_the_commands_help_names_every_target_and_no_other() -> None:
    """It is written by hand there, so that `biolord --help` doesn't load the exporter."""
    parser = argparse.ArgumentParser()
    configure(parser)
    (action,) = (action for action in parser._actions if action.dest == "target")
    words = str(action.help).replace(" (default)", "").replace(" or ", ", ")
    assert sorted(words.split(", ")) == sorted(TARGETS)
    assert DEFAULT_TARGET in TARGETS


def test_the_gates_are_ordered() -> None:
    """A mean is above a minimum, and a medical bar not below the one for other texts."""
    for target in TARGETS.values():
        assert 1 > target.gate.mean >= target.gate.minimum >= target.gate.elsewhere > 0.9


def test_the_gates_are_those_that_were_promised() -> None:
    """Loosening one is a decision, not a way to make an export pass."""
    assert TARGETS["cpu-int8"].gate == FidelityGate(0.999, 0.995, 0.985)
    assert TARGETS["cpu-int4"].gate.mean == 0.99
    assert TARGETS["cpu-fp32"].gate.minimum == 0.999999
    assert TARGETS["portable-int8"].gate.mean == 0.985


def test_what_each_target_needs() -> None:
    """Compiled operators run on any CPU; standard ones that multiply integers need exact dot products."""
    for name in ("cpu-int8", "cpu-int4"):
        assert (TARGETS[name].calibrated, TARGETS[name].operators, TARGETS[name].cpu_any_of) == (True, VERSIONS, ())
    assert (TARGETS["portable-int8"].operators, TARGETS["portable-int8"].cpu_any_of) == ({}, INT8_FEATURES)
    assert (TARGETS["cpu-fp32"].operators, TARGETS["cpu-fp32"].cpu_any_of) == ({}, ())
    assert not TARGETS["cpu-fp32"].calibrated
