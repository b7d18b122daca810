"""docs/reference/manifest.schema.json takes what the reader takes, and refuses what it refuses."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema_rs import meta

from biolord_onnx.artifact.manifest import Manifest
from biolord_onnx.errors import ArtifactError
from guards.readme import DOCS
from unit.export.schema import SCHEMA, VALIDATOR

Way = tuple[str | int, ...]

VALID: dict[str, Any] = {
    "format": 2,
    "name": "tiny-cpu-int8",
    "target": "cpu-int8",
    "architecture": "mpnet",
    "dim": 64,
    "max_length": {"value": 48, "source": "sentence_bert_config.json"},
    "pooling": "mean",
    "normalized": False,
    "pad_id": 1,
    "source": {"id": "tiny", "revision": "main", "weights": {"model.safetensors": "0" * 64}},
    "quantization": {"scheme": "token-int8"},
    "fidelity": {"passed": True},
    "batch_invariance": {"bound": 0.0, "reason": "no scale is shared"},
    "files": [{"name": "model.onnx", "sha256": "a" * 64, "size": 12}],
    "requires": {"onnxruntime": "1.25.0", "cpu_any_of": ["avx2"], "operators": {"biolord": 1}},
    "golden": {"texts": ["Bartonellosis"], "sha256": "b" * 64},
    "tools": {"biolord-onnx": "0.1.0"},
    "created": "2026-11-28T00:00:00+00:00",
    "license": "MIT",
    "notes": ["--max-length 48"],
    "reranking": {"activation": "sigmoid", "prefix": [2], "middle": [3], "suffix": [3], "token_types": True},
    "prompts": {"texts": {"query": "query: "}, "default": "query", "pooled": True},
    "truncation_side": "right",
    "whole_dim": 768,
}
# What may stand in the place of a value: of every type, at and beyond every bound.
NUMBERS = (-1, 0, 1, 2, 64, 65, 65_536, 65_537, 2**31 - 1, 2**31, -0.5, 0.5)
NAMES = ("", "x", "a" * 64, "A" * 64, "g" * 64, "a" * 128, "a" * 129, "é", "a/b", "-a", ".a", "a\n")
TEXTS = ("1.2", "1.", "1.2.3.4.5", "1234567", "1.2\n", "x" * 4096, "x" * 4097, "é" * 4096)
LISTS: tuple[list[object], ...] = ([], [0], [""], ["a"], ["a"] * 64, ["a"] * 65, ["x" * 4097])
OBJECTS: tuple[dict[str, object], ...] = ({}, {"": ""}, {"a": 1}, {"a": 0}, {"a": 2**31}, {"a": "b"}, {"a": "x" * 4097})
VALUES = (None, True, False, *NUMBERS, *NAMES, *TEXTS, *LISTS, *OBJECTS)


def places(value: object, path: Way = ()) -> Iterator[Way]:
    """Yield the way to every value inside a value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, member in inner:
        yield (*path, key)
        yield from places(member, (*path, key))


PLACES = tuple(places(VALID))


def reader_takes(manifest: object) -> bool:
    """Whether the runtime reads a manifest."""
    try:
        Manifest.from_json(json.dumps(manifest, ensure_ascii=False))
    except ArtifactError:
        return False
    return True


def schema_takes(manifest: object) -> bool:
    """Whether the schema does, and its default prompt is one of its texts, which no schema can say."""
    if not VALIDATOR.is_valid(manifest):
        return False
    prompts = manifest.get("prompts") if isinstance(manifest, dict) else None
    return prompts is None or prompts["default"] in {None, *prompts["texts"]}


def changed(path: Way, value: object) -> dict[str, Any]:
    """Return the valid manifest with another value in a place."""
    manifest = copy.deepcopy(VALID)
    holder: Any = manifest
    for key in path[:-1]:
        holder = holder[key]
    holder[path[-1]] = value
    return manifest


def test_the_schema_is_one() -> None:
    """Of the draft that it names, and it takes the sample."""
    meta.validate(SCHEMA)
    assert VALIDATOR.is_valid(VALID)
    assert reader_takes(VALID)


@pytest.mark.parametrize("path", PLACES, ids=str)
def test_schema_and_reader_agree_on_any_value(path: Way) -> None:
    """In the place of each value of a manifest."""
    for value in VALUES:
        manifest = changed(path, value)
        assert schema_takes(manifest) == reader_takes(manifest), value


@pytest.mark.parametrize("path", PLACES, ids=str)
def test_schema_and_reader_agree_on_what_is_needed(path: Way) -> None:
    """Of every member that is left out."""
    manifest = copy.deepcopy(VALID)
    holder: Any = manifest
    for key in path[:-1]:
        holder = holder[key]
    del holder[path[-1]]
    assert schema_takes(manifest) == reader_takes(manifest)


@pytest.mark.parametrize("count", [0, 1, 64, 65])
def test_schema_and_reader_agree_on_how_many_files(count: int) -> None:
    """Of names that differ."""
    (entry,) = VALID["files"]
    manifest = VALID | {"files": [entry | {"name": f"model.{number}"} for number in range(count)]}
    assert schema_takes(manifest) == reader_takes(manifest) == (count <= 64)


def test_every_member_has_a_row_in_the_reference() -> None:
    """Of the manifest, and of the tables in it."""
    page = (DOCS / "reference" / "artifact.md").read_text(encoding="utf-8")
    members = {str(key) for path in PLACES for key in path[-1:] if not isinstance(key, int)}
    free_form = {"scheme", "passed", "model.safetensors", "biolord", "biolord-onnx", "avx2", "query"}
    assert {member for member in members - free_form if f"`{member}`" not in page} == set()


def test_schema_and_reader_agree_beyond_the_samples() -> None:
    """A member that neither knows is ignored by both, and another format is refused by both."""
    others: tuple[object, ...] = (VALID | {"later": [1]}, VALID | {"format": 1}, VALID | {"format": 3}, [], "text")
    for manifest in others:
        assert schema_takes(manifest) == reader_takes(manifest), manifest
