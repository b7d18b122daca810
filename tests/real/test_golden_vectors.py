"""Real artifacts against the golden files, which hold torch's own vectors and token ids."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from biolord_export.corpus import MEDICAL_KINDS
from biolord_export.verification.fidelity import FidelityReport
from biolord_onnx.embedder import Embedder
from biolord_onnx.tokenizer.tokenizer import Tokenizer
from golden.store import load_golden
from real.bars import FIDELITY, GOLDEN_COSINE
from real.exports import MINILM, MPNET, RealExports, describe

pytestmark = pytest.mark.real

Figure = Callable[[str], None]
EXPORTS = [(MPNET, "cpu-int8"), (MPNET, "cpu-fp32"), *((MINILM, target) for target in GOLDEN_COSINE)]
every_export = pytest.mark.parametrize(("model", "target"), EXPORTS)


@every_export
def test_vectors_are_near_torchs(exported: RealExports, model: str, target: str, figure: Figure) -> None:
    """Whole vectors, each text by its cosine; emoji, other scripts and a note of 1,000 tokens among them."""
    golden = load_golden(model)
    with Embedder.load(exported(model, target).path) as embedder:
        vectors = embedder.encode_with_info(golden.texts).vectors.astype(np.float64)
    expected = golden.vectors.astype(np.float64)
    lengths = np.linalg.norm(vectors, axis=1)
    np.testing.assert_allclose(lengths, 1, atol=1e-5)
    cosines = np.sum(vectors * expected, axis=1) / lengths / np.linalg.norm(expected, axis=1)
    figure(f"{model}, {target}, golden texts: cosine mean {cosines.mean():.7f}, minimum {cosines.min():.7f}")
    assert cosines.min() >= GOLDEN_COSINE[target]


@pytest.mark.parametrize("model", [MPNET, MINILM])
def test_token_ids_are_transformers(exported: RealExports, model: str) -> None:
    """To the last id, cut at the same limit."""
    golden, artifact = load_golden(model), exported(model, "cpu-fp32")
    assert artifact.manifest.max_length.value == golden.max_length
    found = Tokenizer.load(artifact.tokenizer_path).tokenize(golden.texts, golden.max_length).ids
    assert found == [ids.tolist() for ids in golden.token_ids]


@pytest.mark.parametrize("target", FIDELITY)
def test_a_bert_model_reaches_the_same_bars(exported: RealExports, target: str, figure: Figure) -> None:
    """With no setting of its own, through the command line."""
    artifact = exported(MINILM, target)
    manifest = artifact.manifest
    assert manifest.architecture == "bert"
    assert manifest.fidelity is not None
    report = FidelityReport.from_json(manifest.fidelity, "manifest")
    assert report.passed
    for group in report.groups:
        figure(describe(artifact, group))
        assert group.cosine_min >= (report.gate.minimum if group.kind in MEDICAL_KINDS else report.gate.elsewhere)
