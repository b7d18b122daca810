"""A manifest survives its file, and a damaged file never gets through as something else."""

from __future__ import annotations

import contextlib
import json
import operator
from dataclasses import replace
from functools import reduce

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biolord_onnx.artifact.manifest import (
    LARGEST_ID,
    LATEST_OPERATORS,
    MOST_DIMENSIONS,
    MOST_TOKENS,
    NAME,
    BatchInvariance,
    FileEntry,
    Golden,
    Manifest,
    MaxLength,
    Requirements,
    Source,
)
from biolord_onnx.artifact.pairing import PairFrame
from biolord_onnx.artifact.prompts import Prompts
from biolord_onnx.artifact.reranking import Reranking
from biolord_onnx.errors import ArtifactError
from unit.runtime.tiny_artifact import tiny_manifest

pytestmark = pytest.mark.usefixtures("coverage_paused")
TEXT = st.text(max_size=12)
NAMES = st.from_regex(NAME, fullmatch=True)
COUNT = st.integers(1, 2**53)
DIGEST = st.text("0123456789abcdef", min_size=64, max_size=64)
VERSION = st.lists(st.integers(0, 99), min_size=1, max_size=4).map(lambda parts: ".".join(map(str, parts)))
INTEGERS = st.integers(-(10**18) + 1, 10**18 - 1)
JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**18) + 1, 10**18 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
JSON_OBJECTS = st.dictionaries(TEXT, JSON_VALUES, max_size=4)

ENTRIES = st.builds(FileEntry, NAMES, DIGEST, COUNT)
MANIFESTS = st.builds(
    Manifest,
    name=NAMES,
    target=NAMES,
    architecture=NAMES,
    dim=st.integers(1, MOST_DIMENSIONS),
    max_length=st.builds(MaxLength, st.integers(1, MOST_TOKENS), TEXT),
    pooling=NAMES,
    normalized=st.booleans(),
    pad_id=st.integers(0, LARGEST_ID),
    source=st.builds(Source, TEXT, st.none() | TEXT, st.dictionaries(TEXT, DIGEST, max_size=3)),
    quantization=JSON_OBJECTS,
    fidelity=st.none() | JSON_OBJECTS,
    batch_invariance=st.builds(BatchInvariance, st.floats(0, 1e30), TEXT),
    files=st.lists(st.builds(FileEntry, NAMES, DIGEST, COUNT), max_size=3, unique_by=lambda e: e.name.lower()).map(
        tuple
    ),
    requires=st.builds(
        Requirements,
        VERSION,
        st.lists(TEXT, max_size=3).map(tuple),
        st.dictionaries(TEXT, st.integers(1, LATEST_OPERATORS), max_size=2),
    ),
    golden=st.none() | st.builds(Golden, st.lists(TEXT, min_size=1, max_size=3).map(tuple), DIGEST),
    tools=st.dictionaries(TEXT, TEXT, max_size=3),
    created=TEXT,
    license=TEXT,
    format=st.just(2),
)


@given(MANIFESTS)
def test_round_trip(manifest: Manifest) -> None:
    """Written and read it is equal, and writing again gives the same bytes."""
    text = manifest.to_json()
    assert Manifest.from_json(text) == manifest
    assert Manifest.from_json(text).to_json() == text
    assert text.encode("utf-8").decode("utf-8") == text


def places(value: object, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """List the ways to all values inside a JSON value."""
    inner = enumerate(value) if isinstance(value, list) else value.items() if isinstance(value, dict) else ()
    return [place for key, each in inner for place in [(*path, key), *places(each, (*path, key))]]


def put(document: dict[str, object], place: tuple[str | int, ...], value: object) -> None:
    """Put another value there."""
    holder = reduce(operator.getitem, place[:-1], document)  # type: ignore[arg-type]
    holder[place[-1]] = value  # type: ignore[index]


def without_strangers(value: object, model: object) -> object:
    """Drop keys that a manifest doesn't have: they are a later writer's."""
    if isinstance(value, dict) and isinstance(model, dict):
        return {key: without_strangers(value[key], model[key]) for key in value if key in model}
    if isinstance(value, list) and isinstance(model, list) and len(value) == len(model):
        return [without_strangers(each, other) for each, other in zip(value, model, strict=True)]
    return value


FULL = replace(
    tiny_manifest(),
    golden=Golden(("fever",), "0" * 64),
    prompts=Prompts({"query": "query: "}, "query"),
    reranking=Reranking((0,), (2, 2), (2,), token_types=False, activation="sigmoid"),
    pairs=PairFrame((0,), (2, 2), (2,), token_types=True),
    fidelity={},
)


@given(st.data())
def test_any_value_in_any_place(data: st.DataObject) -> None:
    """Another value in one place gives a manifest that holds it, or an ArtifactError: nothing else."""
    document = json.loads(FULL.to_json())
    place = data.draw(st.sampled_from(places(document)))
    put(document, place, data.draw(JSON_VALUES))
    with contextlib.suppress(ArtifactError):
        written = json.loads(Manifest.from_json(json.dumps(document)).to_json())
        assert without_strangers(document, written) == written


@given(st.data())
def test_any_text_is_read_or_refused(data: st.DataObject) -> None:
    """Cut, doubled or changed text is a manifest or an ArtifactError: never another exception."""
    text = tiny_manifest().to_json()
    start, end = sorted(data.draw(st.tuples(st.integers(0, len(text)), st.integers(0, len(text)))))
    damaged = text[:start] + data.draw(st.text(max_size=5)) + text[end:]
    with contextlib.suppress(ArtifactError):
        assert isinstance(Manifest.from_json(damaged), Manifest)
