"""What calibration keeps of the inputs of linear layers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from biolord_export.calibration.collect import (
    COVARIANCE_TOKENS,
    GATHERED_TOKENS,
    HELD_BACK_EVERY,
    HELD_OUT_TOKENS,
    InputStatistics,
    collect_statistics,
)
from biolord_export.checkpoint.architectures import read_weights
from biolord_export.checkpoint.config import read_encoder_config
from biolord_export.checkpoint.head.pooling import Pooling
from biolord_export.checkpoint.weights import EncoderWeights
from biolord_export.graph.encoder import LINEAR_INPUTS, emit_encoder
from unit.export.graph.running import evaluate

Float32 = NDArray[np.float32]
Statistics = Mapping[tuple[int, str], InputStatistics]
Texts = Sequence[NDArray[np.int64]]
LENGTHS = (3, 60, 9, 1, 30, 48, 49, 17, 2, 4, 12)
"""Texts below and above the tokens that enter a covariance; the fifth and the tenth are held back."""


@pytest.fixture(scope="module", params=["mpnet", "bert"])
def weights(request: pytest.FixtureRequest) -> EncoderWeights:
    """The weights of a tiny checkpoint."""
    folder: Path = request.getfixturevalue(f"tiny_{request.param}")
    return read_weights(read_encoder_config(folder), folder / "model.safetensors")


@pytest.fixture(scope="module")
def texts(weights: EncoderWeights) -> Texts:
    """Random texts."""
    return draw(weights, LENGTHS)


@pytest.fixture(scope="module")
def inputs(weights: EncoderWeights, texts: Texts) -> Mapping[tuple[int, str], list[Float32]]:
    """The inputs that each linear layer really has, text by text."""
    return look(weights, texts)


@pytest.fixture(scope="module")
def statistics(weights: EncoderWeights, texts: Texts) -> Statistics:
    """What is kept of them."""
    return collect_statistics(weights, texts)


def draw(weights: EncoderWeights, lengths: Sequence[int], seed: int = 1) -> Texts:
    """Draw texts of some lengths."""
    generator = np.random.default_rng(seed)
    return [generator.integers(5, len(weights.word_embeddings), length) for length in lengths]


def look(weights: EncoderWeights, texts: Texts) -> Mapping[tuple[int, str], list[Float32]]:
    """Compute the inputs of linear layers in one padded batch, and cut them into texts."""
    ids, mask = np.full((2, len(texts), max(map(len, texts))), weights.pad_id, dtype=np.int64)
    mask[:] = 0
    for row, text in enumerate(texts):
        ids[row, : len(text)], mask[row, : len(text)] = text, 1
    graph = emit_encoder(weights, Pooling("mean", normalize=False))
    found = evaluate(graph.builder, {"input_ids": ids, "attention_mask": mask}, *graph.taps.values())
    cuts = np.cumsum([len(text) for text in texts])[:-1]
    real = [
        rows[mask.ravel() == 1] if place[1] == "attention_output" else rows
        for place, rows in zip(graph.taps, found, strict=True)
    ]
    return {place: np.split(rows, cuts) for place, rows in zip(graph.taps, real, strict=True)}


def close(found: NDArray[np.floating], expected: NDArray[np.floating], size: float = 1.0) -> bool:
    """Compare but for what summing in another order does to float32, for values of some size."""
    return np.allclose(found, expected, rtol=1e-4, atol=1e-4 * size)


def fitted(rows: Sequence[Float32]) -> list[Float32]:
    """Leave out every fifth text."""
    return [each for number, each in enumerate(rows, start=1) if number % HELD_BACK_EVERY]


def spread(rows: Float32, most: int) -> Float32:
    """Take the first row, the last and as many between them, or all."""
    if len(rows) <= most:
        return rows
    return rows[[number * (len(rows) - 1) // (most - 1) for number in range(most)]]


def test_every_linear_layer_has_statistics_of_its_width(weights: EncoderWeights, statistics: Statistics) -> None:
    """Places come in the graph's order; all arrays are float32 and as wide as the layer's weight."""
    assert list(statistics) == [(number, name) for number in range(len(weights.layers)) for name in LINEAR_INPUTS]
    for (number, name), seen in statistics.items():
        width = len(getattr(weights.layers[number], name).weight)
        arrays = {field.name: getattr(seen, field.name) for field in fields(seen) if field.name != "count"}
        assert {array.dtype for array in arrays.values()} == {np.dtype(np.float32)}
        assert seen.covariance.shape == (width, width)
        assert {array.shape[-1] for array in arrays.values()} == {width}


def test_at_most_48_tokens_of_a_text_are_counted(statistics: Statistics) -> None:
    """Long texts don't outvote short ones; those held back aren't counted."""
    expected = sum(min(length, COVARIANCE_TOKENS) for number, length in enumerate(LENGTHS, start=1) if number % 5)
    assert {seen.count for seen in statistics.values()} == {expected}


def test_means_and_covariances_are_those_of_the_counted_tokens(
    inputs: Mapping[tuple[int, str], list[Float32]], statistics: Statistics
) -> None:
    """Tokens are taken from a text's first to its last at even distances; the covariance is a sum about the mean."""
    for place, seen in statistics.items():
        rows = np.concatenate([spread(each, COVARIANCE_TOKENS) for each in fitted(inputs[place])]).astype(np.float64)
        centered = rows - rows.mean(axis=0)
        scatter = centered.T @ centered
        assert close(seen.mean, rows.mean(axis=0))
        assert close(seen.covariance, scatter, size=scatter.max())


def test_ranges_are_those_of_all_tokens_of_fitted_texts(
    inputs: Mapping[tuple[int, str], list[Float32]], statistics: Statistics
) -> None:
    """A value counts for its channel's range wherever in a long text it stands."""
    for place, seen in statistics.items():
        rows = np.concatenate(fitted(inputs[place]))
        assert close(seen.lowest, rows.min(axis=0))
        assert close(seen.highest, rows.max(axis=0))


def test_every_fifth_text_is_held_back(inputs: Mapping[tuple[int, str], list[Float32]], statistics: Statistics) -> None:
    """At most eight tokens of each are kept to measure on, in order."""
    for place, seen in statistics.items():
        rows = [spread(inputs[place][number], HELD_OUT_TOKENS) for number in (4, 9)]
        assert [len(each) for each in rows] == [8, 4]
        assert close(seen.held_out, np.concatenate(rows))
        assert seen.degenerate.shape == (0, seen.held_out.shape[1])


def test_held_out_texts_take_no_part_in_the_figures(
    weights: EncoderWeights, texts: Texts, statistics: Statistics
) -> None:
    """Other texts in their places change nothing but what is held back."""
    other = list(texts)
    other[4], other[9] = draw(weights, (20, 33), seed=2)
    for place, seen in collect_statistics(weights, other).items():
        assert differing(seen, statistics[place]) == {"held_out"}


def test_strange_texts_are_kept_apart_whole(weights: EncoderWeights, texts: Texts, statistics: Statistics) -> None:
    """All of their tokens are kept, however many, and every other figure is what it is without them, bit for bit."""
    degenerate = draw(weights, (2, 60, 1, 1, 1, 5), seed=3)
    expected = look(weights, degenerate)
    for place, seen in collect_statistics(weights, texts, degenerate).items():
        assert differing(seen, statistics[place]) == {"degenerate"}
        assert close(seen.degenerate, np.concatenate(expected[place]))


def test_more_tokens_than_are_gathered_at_once_add_up(weights: EncoderWeights) -> None:
    """Sums taken in several steps are those of all tokens."""
    repeats, lengths = 7, (48, 40, 45, 30, 2)
    texts = draw(weights, lengths)
    once, often = collect_statistics(weights, texts), collect_statistics(weights, [*texts] * repeats)
    assert sum(lengths[:4]) < GATHERED_TOKENS < repeats * sum(lengths[:4])
    for place, seen in often.items():
        assert seen.count == repeats * once[place].count
        assert close(seen.mean, once[place].mean)
        scale = np.abs(once[place].covariance).max()
        assert close(seen.covariance / repeats, once[place].covariance, size=scale)
        assert np.array_equal(seen.lowest, once[place].lowest)
        assert len(seen.held_out) == repeats * len(once[place].held_out)


def differing(one: InputStatistics, other: InputStatistics) -> set[str]:
    """Name the figures in which two statistics differ."""
    names = [field.name for field in fields(one)]
    return {name for name in names if not np.array_equal(getattr(one, name), getattr(other, name))}
