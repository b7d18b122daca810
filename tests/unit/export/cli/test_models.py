"""``biolord models``."""

from __future__ import annotations

import argparse
import json
import tomllib

import pytest

from biolord_export.checkpoint.architectures import READERS
from biolord_export.checkpoint.families import FAMILIES
from biolord_export.checkpoint.family import FAMILY
from biolord_export.checkpoint.heads import HEADS
from biolord_export.cli import models
from family.layouts import LAYOUTS
from oracle.client import REPOSITORY


def listed(capsys: pytest.CaptureFixture[str], *options: str) -> str:
    """Run the command."""
    parser = argparse.ArgumentParser()
    models.configure(parser)
    assert models.run(parser.parse_args(options)) == 0
    return capsys.readouterr().out


def test_all_five_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    """Each under its id, with the command that exports it."""
    blocks = listed(capsys).split("\n\n")[: len(FAMILY)]
    assert [block.splitlines()[0] for block in blocks] == [model.id for model in FAMILY]
    assert len(blocks) == 5
    for block in blocks:
        for word in ("languages", "size", "longest text", "license", "verified", "export"):
            assert f"\n  {word} " in block
        assert "random weights" in block
        assert "not run" in " ".join(block.split())
        assert max(map(len, block.splitlines())) <= 120


def test_older_checkpoints_are_exported_from_their_pull_request(capsys: pytest.CaptureFixture[str]) -> None:
    """The command can be copied as it stands."""
    out = listed(capsys)
    assert "biolord export FremyCompany/BioLORD-STAMB2-v1 OUT --revision refs/pr/1\n" in out
    assert "biolord export FremyCompany/BioLORD-2023 OUT\n" in out


def test_json_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    """The same, by name."""
    members = json.loads(listed(capsys, "--json"))
    rows = members["biolord"]
    assert [row["id"] for row in rows] == [model.id for model in FAMILY]
    assert {row["id"]: row["max_length"] for row in rows}["FremyCompany/BioLORD-2023-M"] == 64


def test_families_follow(capsys: pytest.CaptureFixture[str]) -> None:
    """Each with what was verified and what wasn't, in text and as JSON."""
    blocks = listed(capsys).split("\n\n")[len(FAMILY) :]
    assert [block.splitlines()[0] for block in blocks] == [family.name for family in FAMILIES]
    for block in blocks:
        for word in ("gives", "model types", "such as", "verified", "not run"):
            assert f"\n  {word} " in block
        assert max(map(len, block.splitlines())) <= 120
    assert [family["name"] for family in json.loads(listed(capsys, "--json"))["families"]] == [
        family.name for family in FAMILIES
    ]


def test_every_architecture_belongs_to_a_family_and_no_other_is_claimed() -> None:
    """Of those that are read, and of those whose classifiers are."""
    named = {
        gives: {kind for family in FAMILIES if family.gives == gives for kind in family.model_types}
        for gives in ("vectors", "scores")
    }
    assert named == {"vectors": set(READERS), "scores": set(READERS) & set(HEADS)}


def test_what_is_claimed_is_what_the_layouts_test() -> None:
    """Lengths, and where safetensors are, are those of the checkpoints that the tests write."""
    assert {model.id.partition("/")[2] for model in FAMILY} == LAYOUTS.keys()
    for model in FAMILY:
        layout = LAYOUTS[model.id.partition("/")[2]]
        assert model.max_length == layout.max_length[0]
        assert layout.max_length[1] in model.max_length_source
        assert (model.revision is None) is layout.safetensors


def test_the_command_is_installed() -> None:
    """Under the entry points that ``biolord`` looks its commands up in."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["entry-points"]["biolord.commands"]["models"] == "biolord_export.cli.models"
