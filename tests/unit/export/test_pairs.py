"""Artifacts that take pairs of texts."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from biolord_export.checkpoint.source import open_checkpoint
from biolord_export.corpus import Corpus, neighboring_pairs
from biolord_export.errors import CheckpointError, ExportError
from biolord_export.pipeline import ExportOptions, export_artifact
from biolord_export.targets import TARGETS
from biolord_export.vocabulary.pruning import keep_vocabulary
from biolord_onnx.embedder import Embedder
from biolord_onnx.tokenizer.tokenizer import Tokenizer
from tiny.cross_encoder import write_cross_encoder
from unit.export.editing import edit_json

PAIRS = [("cat scratch", "the dog bite"), ("", "fever"), ("the dog bite", "cat scratch"), ("fever " * 80, "heart")]


def test_graphs_that_need_nothing_for_it_take_pairs(tiny_mpnet: Path, tiny_bert: Path) -> None:
    """MPNet's kinds know no token types; BERT's do, and get another input where pairs are asked for."""
    unasked = open_checkpoint(str(tiny_mpnet)).pairs
    assert unasked is not None
    assert not unasked.token_types
    assert open_checkpoint(str(tiny_mpnet), pairs=True).pairs == unasked
    assert open_checkpoint(str(tiny_bert)).pairs is None
    asked = open_checkpoint(str(tiny_bert), pairs=True).pairs
    assert asked is not None
    assert asked.token_types


def test_token_types_tell_the_texts_apart(tiny_bert: Path, tmp_path: Path) -> None:
    """Of a quantized artifact near the exact one; single texts keep the vectors that they have without pairs."""
    found = {}
    for name, target, pairs in (("exact", "cpu-fp32", True), ("int8", "cpu-int8", True), ("single", "cpu-fp32", False)):
        checkpoint = open_checkpoint(str(tiny_bert), pairs=pairs)
        export_artifact(checkpoint, tmp_path / name, ExportOptions(TARGETS[target]))
        with Embedder.load(tmp_path / name) as embedder:
            if pairs:
                found[name] = embedder.encode_with_info(PAIRS).vectors
            found[f"{name}, texts"] = embedder.encode(["cat scratch", "", "fever"])
    cosines = np.sum(found["exact"] * found["int8"], axis=1)
    assert cosines.min() > 0.995
    np.testing.assert_allclose(found["exact, texts"], found["single, texts"], atol=1e-6)
    manifest = json.loads((tmp_path / "int8" / "manifest.json").read_text(encoding="utf-8"))
    assert [group["kind"] for group in manifest["fidelity"]["groups"]] == ["names", "passages", "general", "pairs"]
    assert manifest["pairs"]["token_types"] is True


def test_a_vocabulary_that_is_cut_numbers_the_frame_anew(tiny_mpnet: Path) -> None:
    """As its tokens are."""
    kept = keep_vocabulary(open_checkpoint(str(tiny_mpnet)), Corpus(("cat scratch", "fever"), "mine.txt"))
    assert kept.pairs is not None
    tokenizer = Tokenizer.from_json(kept.tokenizer_json)
    expected = tokenizer.tokenizer.encode("cat", "fever").ids
    first, second = tokenizer.contents(["cat", "fever"])
    assert [*kept.pairs.prefix, *first, *kept.pairs.middle, *second, *kept.pairs.suffix] == expected


def test_what_takes_no_pairs_is_refused(tiny_bert: Path, tmp_path: Path) -> None:
    """A graph that is traced, an encoder without the type that its tokenizer gives, and a cross-encoder."""
    checkpoint = open_checkpoint(str(tiny_bert), pairs=True)
    with pytest.raises(ExportError, match="which a portable-fp32 graph doesn't take: leave --pairs out"):
        export_artifact(checkpoint, tmp_path / "out", ExportOptions(TARGETS["portable-fp32"]))
    cross = write_cross_encoder(tmp_path / "cross")
    with pytest.raises(CheckpointError, match="is a cross-encoder, which takes nothing but pairs: leave --pairs out"):
        open_checkpoint(str(cross), pairs=True)
    edit_json(cross / "config.json", architectures=["BertModel"], type_vocab_size=1)
    with pytest.raises(CheckpointError, match="type_vocab_size is 1"):
        open_checkpoint(str(cross), pairs=True)
    assert open_checkpoint(str(cross)).pairs is None


def test_calibration_pairs_neighbors() -> None:
    """Every text is in one pair at most."""
    assert neighboring_pairs(["a", "b", "c", "d", "e"]) == [("a", "b"), ("c", "d")]
