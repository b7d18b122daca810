"""A manifest survives its file, and a damaged file never gets through as something else."""

from __future__ import annotations

import contextlib
import json

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


@given(st.data())
def test_any_value_in_any_place(data: st.DataObject) -> None:
    """Another value in one place gives a manifest that holds it, or an ArtifactError: nothing else."""
    document = json.loads(tiny_manifest().to_json())
    key = data.draw(st.sampled_from(sorted(document)))
    document[key] = data.draw(JSON_VALUES)
    with contextlib.suppress(ArtifactError):
        manifest = Manifest.from_json(json.dumps(document))
        assert json.loads(manifest.to_json())[key] == document[key]


@given(st.data())
def test_any_text_is_read_or_refused(data: st.DataObject) -> None:
    """Cut, doubled or changed text is a manifest or an ArtifactError: never another exception."""
    text = tiny_manifest().to_json()
    start, end = sorted(data.draw(st.tuples(st.integers(0, len(text)), st.integers(0, len(text)))))
    damaged = text[:start] + data.draw(st.text(max_size=5)) + text[end:]
    with contextlib.suppress(ArtifactError):
        assert isinstance(Manifest.from_json(damaged), Manifest)
