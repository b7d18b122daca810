"""What a manifest says of a reranker."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from biolord_onnx.artifact.json_fields import JSON
from biolord_onnx.artifact.manifest import Manifest
from biolord_onnx.artifact.reranking import Reranking
from biolord_onnx.errors import ArtifactError
from unit.runtime.tiny_artifact import tiny_manifest

FRAME = Reranking((101,), (102,), (102, 7), token_types=True, activation="identity")


def members_of(**changed: JSON) -> str:
    """Write a manifest, some members of ``reranking`` changed."""
    members = json.loads(replace(tiny_manifest(), reranking=FRAME).to_json())
    members["reranking"] |= changed
    return json.dumps(members)


def test_written_and_read_it_is_the_same() -> None:
    """And artifacts that embed texts have none, or leave it out."""
    assert Manifest.from_json(members_of()).reranking == FRAME
    members = json.loads(tiny_manifest().to_json())
    assert Manifest.from_json(json.dumps(members)).reranking is None
    del members["reranking"]
    assert Manifest.from_json(json.dumps(members)).reranking is None


def test_it_knows_its_special_tokens() -> None:
    """How many, and the highest."""
    assert (FRAME.special_count, FRAME.highest_id) == (4, 102)
    assert Reranking((), (), (), token_types=False, activation="sigmoid").highest_id == 0


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("activation", "tanh", "reranking: activation is 'tanh', expected one of sigmoid, identity"),
        ("prefix", [-1], "prefix: 0 is -1, expected an integer of 0 or more"),
        ("middle", [2**31], "middle: 0 is 2147483648, expected an integer of 2147483647 or less"),
        ("suffix", [1] * 17, "suffix is 17 ids, expected 16 at most"),
        ("token_types", 1, "token_types is 1, expected true or false"),
    ],
)
def test_what_no_export_writes_is_refused(key: str, value: JSON, message: str) -> None:
    """With the key and both values."""
    with pytest.raises(ArtifactError, match=message):
        Manifest.from_json(members_of(**{key: value}))
