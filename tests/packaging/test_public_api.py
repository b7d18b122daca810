"""The public names and commands are there and explained."""

from __future__ import annotations

import inspect
import subprocess
import sys
from functools import cache
from importlib.metadata import version
from pathlib import Path

import pytest

import biolord_onnx
from biolord_onnx.cli.main import _modules
from guards.readme import DOCS, README

BIOLORD = Path(sys.executable).with_name("biolord")


@cache
def biolord(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the installed command."""
    return subprocess.run([str(BIOLORD), *arguments], capture_output=True, text=True, check=False)


def test_the_list_of_public_names_is_sorted_and_has_no_double() -> None:
    """A name added in two branches is noticed."""
    assert biolord_onnx.__all__ == sorted(set(biolord_onnx.__all__))


@pytest.mark.parametrize("name", biolord_onnx.__all__)
def test_a_public_name_can_be_had_and_is_documented(name: str) -> None:
    """Each public name resolves, lists itself in dir() and has a docstring of its own."""
    value = getattr(biolord_onnx, name)
    assert name in dir(biolord_onnx)
    assert inspect.getdoc(value)
    assert value.__name__ == name


@pytest.mark.parametrize("name", biolord_onnx.__all__)
def test_public_methods_are_documented(name: str) -> None:
    """Whoever types help(Embedder.encode) learns something."""
    value = getattr(biolord_onnx, name)
    if inspect.isclass(value):
        own = {key: member for key, member in vars(value).items() if not key.startswith("_")}
        callables = {key: member for key, member in own.items() if callable(member) or isinstance(member, property)}
        assert [key for key, member in callables.items() if not inspect.getdoc(member)] == []


def test_no_public_name_is_found_by_chance() -> None:
    """A name that isn't public is an AttributeError that says which module lacks it."""
    with pytest.raises(AttributeError, match=r"biolord_onnx.*no_such_name"):
        _ = biolord_onnx.no_such_name


def test_the_version_is_the_distributions() -> None:
    """`biolord --version` and the metadata agree."""
    done = biolord("--version")
    assert done.stdout == f"biolord {version('biolord-onnx')}\n"
    assert done.returncode == 0


@pytest.mark.parametrize("command", sorted(_modules()))
def test_a_command_explains_itself(command: str) -> None:
    """`biolord COMMAND --help` shows usage and every option's meaning, on stdout, and exits with 0."""
    done = biolord(command, "--help")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"usage: biolord {command}")
    assert done.stderr == ""


@pytest.mark.parametrize("command", sorted(_modules()))
def test_a_command_is_in_the_overview_and_in_a_guide(command: str) -> None:
    """A command that nobody tells of is found by nobody."""
    assert f"\n  {command} " in biolord("--help").stdout
    guides = [README, *(DOCS / "guides").glob("*.md")]
    assert any(f"biolord {command}" in page.read_text(encoding="utf-8") for page in guides)


def test_the_commands_are_those_of_the_design() -> None:
    """Both packages' commands are found, the exporter's through its entry points."""
    assert set(_modules()) == {
        "bench",
        "embed",
        "export",
        "index",
        "info",
        "link",
        "models",
        "pack",
        "search",
        "serve",
        "similar",
        "verify",
    }
