"""A vector is a function of its text alone: bit-equal on the real model, whatever stands beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from biolord_export.corpus import builtin_verification
from biolord_onnx.artifact.folder import Artifact
from biolord_onnx.embedder import Embedder
from biolord_onnx.encoding.batching import Batch, batch_arrays
from biolord_onnx.session.session import open_session
from biolord_onnx.tokenizer.tokenizer import Tokenizer

pytestmark = pytest.mark.real

COUNTS = {"names": 240, "general": 40, "passages": 20}
PADDED_TEXTS = 60
SPLITS = settings(
    max_examples=4, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow], database=None
)
"""Each example is a pass over 300 texts, which takes seconds."""

Vectors = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Loaded:
    """The demo's artifact with one thread and with two, 300 texts that calibration never saw, and each one's vector."""

    artifact: Artifact
    one: Embedder
    two: Embedder
    texts: tuple[str, ...]
    alone: Vectors

    def encode(
        self, order: NDArray[np.int64], *, batch_tokens: int | None = None, batch_size: int | None = None
    ) -> Vectors:
        """Encode texts in some order."""
        texts = [self.texts[index] for index in order]
        info = self.one.encode_with_info(texts, batch_tokens=batch_tokens, batch_size=batch_size)
        return info.vectors.astype(np.float32, copy=False)


@pytest.fixture(scope="module")
def loaded(demo_artifact: Artifact) -> Iterator[Loaded]:
    """Load the artifact, and encode each text alone."""
    kinds = builtin_verification()
    texts = tuple(text for kind, count in COUNTS.items() for text in spread(kinds[kind], count))
    with Embedder.load(demo_artifact.path, threads=1) as one, Embedder.load(demo_artifact.path, threads=2) as two:
        alone = np.stack([one.encode_with_info(text).vectors for text in texts]).astype(np.float32, copy=False)
        yield Loaded(demo_artifact, one, two, texts, alone)


def spread(texts: tuple[str, ...], count: int) -> list[str]:
    """Take texts at even distances."""
    return [texts[index] for index in np.linspace(0, len(texts) - 1, count).astype(int)]


def test_the_texts_are_different_and_of_many_lengths(loaded: Loaded) -> None:
    """Otherwise the tests below would compare little."""
    assert len(set(loaded.texts)) == 300
    counts = loaded.one.count_tokens(loaded.texts)
    assert np.unique(counts).size > 40
    assert np.max(counts) > 100


def test_two_threads_change_nothing(loaded: Loaded) -> None:
    """Nor does it matter whether two threads get the texts alone or together."""
    np.testing.assert_array_equal(loaded.two.encode_with_info(loaded.texts).vectors, loaded.alone)
    few = loaded.texts[::15]
    vectors = np.stack([loaded.two.encode_with_info(text).vectors for text in few])
    np.testing.assert_array_equal(vectors, loaded.alone[::15])


@pytest.mark.parametrize("batch_tokens", [1, 100, 100_000])
def test_the_token_budget_changes_nothing(loaded: Loaded, batch_tokens: int) -> None:
    """From one text a run to all texts of a length."""
    vectors = loaded.one.encode_with_info(loaded.texts, batch_tokens=batch_tokens).vectors
    np.testing.assert_array_equal(vectors, loaded.alone)


@given(seed=st.integers(0, 2**32 - 1), parts=st.integers(1, 60), batch_tokens=st.sampled_from([64, 1024, 8192]))
@SPLITS
def test_any_order_and_any_split(loaded: Loaded, seed: int, parts: int, batch_tokens: int) -> None:
    """All texts in a random order, cut into calls of random sizes."""
    random = np.random.default_rng(seed)
    order = random.permutation(len(loaded.texts))
    cuts = np.sort(random.integers(0, len(order) + 1, parts - 1))
    vectors = [loaded.encode(part, batch_tokens=batch_tokens) for part in np.split(order, cuts)]
    np.testing.assert_array_equal(np.concatenate(vectors), loaded.alone[order])


@given(seed=st.integers(0, 2**32 - 1), batch_size=st.integers(1, 64))
@SPLITS
def test_duplicates(loaded: Loaded, seed: int, batch_size: int) -> None:
    """Each copy of a text gets the text's vector."""
    order = np.random.default_rng(seed).integers(0, len(loaded.texts), 400)
    np.testing.assert_array_equal(loaded.encode(order, batch_size=batch_size), loaded.alone[order])


@pytest.mark.parametrize("threads", [1, 2])
def test_padding(loaded: Loaded, threads: int, figure: Callable[[str], None]) -> None:
    """Texts of mixed lengths padded into one run, which the runtime never does itself: within the manifest's bound."""
    artifact, bound = loaded.artifact, loaded.artifact.manifest.batch_invariance.bound
    order = np.random.default_rng(threads).permutation(len(loaded.texts))[:PADDED_TEXTS]
    ids = Tokenizer.load(artifact.tokenizer_path).tokenize(loaded.texts, artifact.manifest.max_length.value).ids
    session = open_session(artifact, threads=threads)
    for start, size in ((0, 2), (2, 11), (13, 47)):
        indices = order[start : start + size]
        batch = Batch(indices, max(len(ids[index]) for index in indices) + start)
        vectors = session.run(*batch_arrays(ids, batch, artifact.manifest.pad_id), "sentence_embedding")
        difference = float(np.abs(vectors - loaded.alone[indices]).max())
        figure(f"{size} texts padded to {batch.length} tokens, {threads} threads: largest difference {difference:.1e}")
        assert difference <= bound
