"""The ranges that an export measures for 8-bit vectors."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from biolord_export.calibration.ranges import MOST_TEXTS, measure_ranges
from biolord_export.corpus import builtin_calibration
from biolord_onnx.artifact.ranges import RANGES_NAME, read_ranges
from biolord_onnx.embedder import Embedder
from biolord_onnx.session.session import OUTPUTS
from unit.export.fixtures import Exported

Exports = Callable[[str, str], Exported]
TEXTS = ["fever", "cat scratch injury", "a fracture of the left arm", "", "pain"]


@pytest.mark.parametrize("architecture", ["mpnet", "bert"])
def test_ranges_are_those_of_the_vectors(exported: Exports, architecture: str) -> None:
    """Of each output its own; they are the same where the checkpoint ends in Normalize."""
    with Embedder.load(exported(architecture, "cpu-int8").path) as embedder:
        ranges = measure_ranges(embedder, TEXTS)
        raw, unit = embedder.encode(TEXTS), embedder.encode(TEXTS, normalize=True)
    for output, vectors in (("sentence_embedding", raw), ("unit_embedding", unit)):
        np.testing.assert_allclose(ranges[output].lowest, vectors.min(axis=0), atol=1e-6)
        np.testing.assert_allclose(ranges[output].highest, vectors.max(axis=0), atol=1e-6)
    assert np.allclose(ranges["sentence_embedding"].highest, ranges["unit_embedding"].highest) is (
        architecture == "bert"
    )


def test_no_more_texts_are_encoded_than_need_be(exported: Exports) -> None:
    """Evenly spread ones: the first and the last are among them."""
    texts = ["fever"] * (3 * MOST_TEXTS)
    texts[0], texts[1], texts[-1] = "cat scratch", "a fracture of the left arm", "pain"
    with Embedder.load(exported("mpnet", "cpu-int8").path) as embedder:
        assert measure_ranges(embedder, texts) == measure_ranges(embedder, ["cat scratch", "fever", "pain"])


def test_an_artifact_holds_them(exported: Exports) -> None:
    """Nothing that calibration saw is clipped, and the distance to float32 is at most a step."""
    path = exported("mpnet", "cpu-int8").path
    texts = [text[:40] for text in builtin_calibration().texts[::50]]
    with Embedder.load(path) as embedder:
        for normalize, output in ((False, OUTPUTS[0]), (True, OUTPUTS[1])):
            ends = read_ranges(path / RANGES_NAME, output, embedder.dim)
            lowest, highest = np.array(ends.lowest), np.array(ends.highest)
            exact = embedder.encode(texts, normalize=normalize)
            found = embedder.encode(texts, normalize=normalize, precision="uint8")
            step = (highest - lowest) / 255
            inside = np.clip(exact, lowest, highest)
            assert (np.abs(found * step + lowest + step / 2 - inside) <= step * 0.51 + 1e-6).all()
