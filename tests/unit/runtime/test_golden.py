"""Golden vectors: the same bits on every machine."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from biolord_onnx.artifact.folder import open_artifact
from biolord_onnx.artifact.manifest import Golden
from biolord_onnx.embedder import Embedder
from biolord_onnx.golden import check_golden, digest, make_golden
from unit.runtime.command import Biolord
from unit.runtime.compiled_artifact import compiled_manifest
from unit.runtime.tiny_artifact import write_manifest

TEXTS = ("cat scratch", "fever", "heart bite of the dog " * 3)


@pytest.fixture
def golden(compiled_copy: Path) -> Golden:
    """Give the artifact golden vectors."""
    with Embedder.load(compiled_copy) as embedder:
        found = make_golden(embedder, TEXTS)
    write_manifest(compiled_copy, replace(compiled_manifest(), golden=found))
    return found


def test_the_digest_is_of_the_bytes() -> None:
    """In little-endian order, one vector after another, whatever the array's own order."""
    vectors = np.arange(6, dtype=np.float32).reshape(2, 3)
    expected = hashlib.sha256(vectors.astype("<f4").tobytes()).hexdigest()
    assert digest(vectors) == digest(vectors.astype(">f4")) == digest(np.asfortranarray(vectors)) == expected


def test_this_machine_gives_the_same_bits(golden: Golden, compiled_copy: Path) -> None:
    """With any number of threads, and as many texts as there are."""
    for threads in (1, 3):
        with Embedder.load(compiled_copy, threads=threads) as embedder:
            assert make_golden(embedder, TEXTS) == golden
    found = check_golden(open_artifact(compiled_copy))
    assert found is not None
    assert (found.texts, found.found, found.same) == (len(TEXTS), golden.sha256, True)


def test_an_artifact_without_any(tiny: Path) -> None:
    """One of float operators."""
    assert check_golden(open_artifact(tiny)) is None


def test_info_compares_when_asked(golden: Golden, compiled_copy: Path, biolord: Biolord) -> None:
    """In the table and in JSON."""
    assert "3 texts, not compared: --check does" in biolord("info", compiled_copy).out
    assert json.loads(biolord("info", compiled_copy, "--json").out)["golden"] is None
    assert "3 texts, this machine gives the same bits" in biolord("info", compiled_copy, "--check").out
    assert json.loads(biolord("info", compiled_copy, "--check", "--json").out)["golden"] == {
        "texts": 3,
        "expected": golden.sha256,
        "found": golden.sha256,
        "same": True,
    }


def test_other_bits_are_told(golden: Golden, compiled_copy: Path, biolord: Biolord) -> None:
    """With both hashes, and exit 1."""
    other = replace(golden, sha256="0" * 64)
    write_manifest(compiled_copy, replace(compiled_manifest(), golden=other))
    outcome = biolord("info", compiled_copy, "--check")
    assert outcome.code == 1
    assert f"3 texts, OTHER BITS here: {golden.sha256}, expected {'0' * 64}" in outcome.out


def test_nothing_to_compare_is_an_error(tiny: Path, biolord: Biolord) -> None:
    """Not a check that passed."""
    biolord("info", tiny, "--check").assert_error("tiny-cpu-fp32 has no golden vectors to compare with")
