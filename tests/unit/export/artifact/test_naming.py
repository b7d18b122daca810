"""Names of artifacts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biolord_export.artifact.naming import plain_name
from biolord_export.targets import TARGETS
from biolord_onnx.artifact.manifest import NAME


@pytest.mark.parametrize(
    ("identity", "name"),
    [
        ("FremyCompany/BioLORD-2023", "BioLORD-2023"),
        ("all-mpnet-base-v2", "all-mpnet-base-v2"),
        ("Müller/mein  Modell (2)", "mein-Modell-2"),
        ("-rf", "rf"),
        (".hidden", "hidden"),
        ("a\nRUN id", "a-RUN-id"),
        ("汉字", "checkpoint"),
        ("", "checkpoint"),
        ("x" * 300, "x" * 100),
    ],
)
def test_names_are_made_plain(identity: str, name: str) -> None:
    """Hub ids stay what they are, folders' names lose what a manifest doesn't take."""
    assert plain_name(identity) == name


@given(st.text())
def test_any_name_is_one_that_a_manifest_takes(identity: str) -> None:
    """With any target behind it."""
    for target in TARGETS:
        assert NAME.fullmatch(f"{plain_name(identity)}-{target}")
