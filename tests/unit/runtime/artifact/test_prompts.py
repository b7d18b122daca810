"""Prompts in a manifest."""

from __future__ import annotations

from dataclasses import replace

import pytest

from biolord_onnx.artifact.manifest import Manifest
from biolord_onnx.artifact.prompts import Prompts
from biolord_onnx.errors import ArtifactError
from unit.runtime.tiny_artifact import tiny_manifest

WHOLE = replace(
    tiny_manifest(),
    prompts=Prompts({"query": "q: "}, "query", pooled=False),
    truncation_side="left",
    whole_dim=768,
    pooling="cls+mean",
)


def test_they_are_written_and_read() -> None:
    """With what else came to the manifest."""
    assert Manifest.from_json(WHOLE.to_json()) == WHOLE


def test_a_manifest_from_before_has_none() -> None:
    """Its vectors are what they were."""
    text = tiny_manifest().to_json()
    for key in ("prompts", "truncation_side", "whole_dim"):
        start = text.index(f'  "{key}"')
        end = text.index("  },\n", start) + 5 if key == "prompts" else text.index("\n", start) + 1
        text = text[:start] + text[end:]
    assert "truncation_side" not in text
    assert Manifest.from_json(text) == tiny_manifest()


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ('"default": "query"', '"default": 3', "default is 3, expected a string"),
        ('"default": "query"', '"default": "other"', "default is 'other', expected the name of one of its texts"),
        ('"q: "', "5", "query is 5, expected a string"),
        ('"q: "', '"%s"' % ("x" * 5000), "query is a string of 5000 characters, expected 4096 at most"),
        ('"pooled": false', '"pooled": 0', "pooled is 0, expected true or false"),
        ('"truncation_side": "left"', '"truncation_side": "middle"', "truncation_side is 'middle', expected 'right'"),
        ('"whole_dim": 768', '"whole_dim": 0', "whole_dim is 0, expected an integer of 1 or more"),
        ('"cls+mean"', '"cls mean"', "pooling is 'cls mean', expected modes of 1 to 128 letters"),
    ],
)
def test_what_no_export_writes_is_refused(old: str, new: str, complaint: str) -> None:
    """By its key, with what was found."""
    with pytest.raises(ArtifactError) as caught:
        Manifest.from_json(WHOLE.to_json().replace(old, new))
    assert complaint in str(caught.value)


def test_too_many_are_refused() -> None:
    """As many as anybody has, and more."""
    texts = {str(number): "" for number in range(1025)}
    with pytest.raises(ArtifactError, match="texts has 1025, expected 1024 at most: export the artifact again"):
        Manifest.from_json(replace(WHOLE, prompts=Prompts(texts)).to_json())


def test_a_name_that_is_there() -> None:
    """For those who want the default otherwise."""
    assert Prompts({"query": "q: "}).named("query") == "query"
    assert Prompts({"query": "q: "}).named("document") is None
