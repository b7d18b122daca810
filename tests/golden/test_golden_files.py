"""The golden files are whole and say what made them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from biolord_export.demo.models import REFERENCES
from golden.store import MODELS, golden_file, load_golden, save_golden
from golden.texts import TEXTS


def test_every_reference_model_has_a_golden_file() -> None:
    """Each reference model has its golden file, and no file is left over from a model that went."""
    found = sorted(path.name for path in Path(__file__).parent.glob("*.npz"))
    assert found == sorted(golden_file(model).name for model in MODELS)
    assert set(MODELS) == set(REFERENCES)


@pytest.mark.parametrize("model", MODELS)
def test_a_golden_file_is_about_the_pinned_weights_and_the_present_texts(model: str) -> None:
    """A change of the texts or of the reference weights without `make golden` is noticed."""
    golden = load_golden(model)
    assert golden.model == model
    assert golden.weights_sha256 == REFERENCES[model].files["model.safetensors"]
    assert golden.texts == TEXTS
    assert set(golden.versions) == {"sentence-transformers", "tokenizers", "torch", "transformers"}


@pytest.mark.parametrize("model", MODELS)
def test_the_recorded_versions_are_the_pinned_ones(model: str) -> None:
    """Raising a pin of the oracle without `make golden` is noticed."""
    pins = Path(__file__).parents[2].joinpath("requirements", "oracle.txt").read_text(encoding="utf-8")
    pinned = dict(line.split("==") for line in pins.splitlines() if "==" in line)
    versions = load_golden(model).versions
    assert {name: version.partition("+")[0] for name, version in versions.items()} == {
        name: pinned[name] for name in versions
    }


@pytest.mark.parametrize(("model", "dim"), [("all-minilm-l6-v2", 384), ("all-mpnet-base-v2", 768)])
def test_vectors_are_whole_finite_and_unit_length(model: str, dim: int) -> None:
    """Both reference models end in a Normalize module, so every golden vector has length 1."""
    vectors = load_golden(model).vectors
    assert vectors.dtype == np.float32
    assert vectors.shape == (len(TEXTS), dim)
    np.testing.assert_allclose(np.linalg.norm(vectors.astype(np.float64), axis=1), 1.0, atol=1e-6)


@pytest.mark.parametrize("model", MODELS)
def test_token_ids_hold_the_short_and_the_truncated_text(model: str) -> None:
    """The empty text is two special tokens, and the long note is cut at the checkpoint's limit."""
    golden = load_golden(model)
    lengths = dict(zip(golden.texts, map(len, golden.token_ids), strict=True))
    assert lengths[""] == 2
    assert max(lengths.values()) == lengths[TEXTS[-1]] == golden.max_length


def test_writing_what_was_read_gives_the_same_bytes(tmp_path: Path) -> None:
    """A regenerated file differs only if its content does, so a diff of the repository means something."""
    copy = tmp_path / "copy.npz"
    save_golden(load_golden(MODELS[0]), copy)
    assert copy.read_bytes() == golden_file(MODELS[0]).read_bytes()
