"""Each layout of the family against sentence-transformers loading the very same folder."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from biolord_export.reference import reference_model
from biolord_export.source import open_checkpoint
from biolord_export.tokenizer_file import prepare_tokenizer
from biolord_export.config import read_encoder_config
from biolord_onnx.artifact import open_artifact
from biolord_onnx.embedder import Embedder
from biolord_onnx.tokenization import Tokenizer
from family.asking import run_there, succeed_there, token_ids_there
from family.layouts import LAYOUTS, Layout, write_layout
from family.strings import five_thousand
from oracle.client import Oracle
from parity.authored import cosines
from parity.texts import HOSTILE, names, passages
from tiny.charsmap import compatibility_rules, compile_rules
from tiny.sentencepiece import write_model
from tiny.unigram import build_unigram

pytestmark = pytest.mark.real

CLOSEST = {"cpu-fp32": 0.999999, "cpu-int8-block": 0.999, "cpu-int8": 0.98}
"""Random weights don't quantise as trained ones do: the 8-bit bars here only tell right from wrong."""
UNCUT = 100_000
TEXTS = [*names(60), *passages(20), *(text for text in HOSTILE if len(text) < 1000), "fever " * 700]


@dataclass(frozen=True)
class Case:
    """A layout, and its folder with the weights in the file that the hub has them in."""

    layout: Layout
    folder: Path

    def export(self, out: Path, target: str) -> Embedder:
        """Export it, in the oracle's environment: some of the layouts need torch to be read."""
        succeed_there("export", self.folder, out, target)
        return Embedder.load(out)


@pytest.fixture(scope="module", params=LAYOUTS)
def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Case:
    """Each layout, small."""
    layout = LAYOUTS[request.param]
    folder = write_layout(tmp_path_factory.mktemp("layouts") / layout.name, layout)
    if not layout.safetensors:
        succeed_there("pickle", folder)
    return Case(layout, folder)


def test_vectors_are_those_of_sentence_transformers(case: Case, oracle: Oracle, tmp_path: Path) -> None:
    """Length, pooling, tokenizer and weights are what the library finds in the same files.

    Where the layout leaves the library two tokens too many, it is told the limit that its positions have.
    """
    limit, source = case.layout.max_length
    told = limit if case.layout.tokenizer_limit is None else None
    expected = oracle(case.folder, TEXTS, max_length=told)
    assert expected.max_length == limit
    for target, closest in CLOSEST.items():
        with case.export(tmp_path / target, target) as embedder:
            length = embedder.manifest.max_length
            assert (length.value, length.source.partition(" (")[0]) == (limit, source)
            info = embedder.encode_with_info(TEXTS)
            assert info.token_counts.tolist() == [len(one) for one in expected.token_ids] or target
            assert cosines(info.vectors, expected.vectors).min() >= closest, target
            if target == "cpu-fp32":
                np.testing.assert_allclose(info.vectors, expected.vectors, atol=1e-5)


@pytest.mark.parametrize("max_length", [30, 128])
def test_cls_pooling_at_a_length_of_ones_own(oracle: Oracle, tmp_path: Path, max_length: int) -> None:
    """What RaTEScore and DeepRare do with BioLORD-2023-C: the first token's vector, texts cut at 30 or 128."""
    layout = LAYOUTS["BioLORD-2023-C"]
    folder = write_layout(tmp_path / "model", layout)
    expected = oracle(folder, TEXTS, pooling="cls", max_length=max_length)
    checkpoint = open_checkpoint(str(folder), pooling="cls", max_length=max_length)
    assert checkpoint.own_length.value == 512
    ids = Tokenizer.from_json(checkpoint.tokenizer_json).tokenize(TEXTS, max_length).ids
    assert ids == [one.tolist() for one in expected.token_ids]


def test_sentence_transformers_alone_runs_past_the_positions(oracle: Oracle, tmp_path: Path) -> None:
    """Why the limit is clamped: with no limit stated, the library allows 514 tokens, and fails at the 513th."""
    folder = write_layout(tmp_path / "model", LAYOUTS["BioLORD-2023-S"])
    assert oracle(folder, ["fever"]).max_length == 514
    with pytest.raises(RuntimeError, match="index out of range"):
        oracle(folder, ["fever " * 700])


@pytest.mark.parametrize("name", LAYOUTS)
def test_ids_of_five_thousand_strings(oracle: Oracle, tmp_path: Path, name: str) -> None:
    """The artefact's tokenizer gives transformers' ids, with this release of tokenizers and the oracle's."""
    texts = five_thousand()
    folder = write_layout(tmp_path / "model", LAYOUTS[name])
    expected = [one.tolist() for one in oracle(folder, texts, max_length=512).token_ids]
    check_ids(open_checkpoint(str(folder)).tokenizer_json, texts, expected, tmp_path)


def test_ids_with_the_real_vocabulary_and_no_fast_file(oracle: Oracle, tmp_path: Path) -> None:
    """Over MPNet's 30,527 pieces too, vocab.txt alone is enough; the vectors come from a tiny encoder's weights."""
    real = reference_model("all-mpnet-base-v2")
    texts = five_thousand()
    folder = tmp_path / "model"
    folder.mkdir()
    for file in ("config.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.txt"):
        shutil.copyfile(real / file, folder / file)
    built = prepare_tokenizer(folder, read_encoder_config(folder))
    fast = Tokenizer.load(real / "tokenizer.json").tokenize(texts, UNCUT).ids
    spelt = [number for number, text in enumerate(texts) if "<unk>" in text]
    # The fast file of all-mpnet-base-v2 lists <unk> among its special tokens, the older files don't.
    kept = [number for number in range(len(texts)) if number not in set(spelt)]
    found = Tokenizer.from_json(built).tokenize(texts, UNCUT).ids
    assert [found[number] for number in kept] == [fast[number] for number in kept]
    version, there = token_ids_there(built, texts, tmp_path)
    assert there == found, version


@pytest.mark.parametrize("compiled", ["all rules", "few rules"])
def test_ids_from_a_sentencepiece_model(tmp_path: Path, compiled: str) -> None:
    """An XLM-R with sentencepiece.bpe.model alone has the ids of transformers' own conversion."""
    texts = five_thousand()
    rules = compile_rules(compatibility_rules()) if compiled == "all rules" else None
    model = write_model(tmp_path / "sentencepiece.bpe.model", rules=rules)
    from biolord_export.sentencepiece import build_unigram as build

    succeed_there("convert", model, tmp_path / "converted.json")
    _, expected = token_ids_there((tmp_path / "converted.json").read_text(encoding="utf-8"), texts, tmp_path)
    check_ids(build(model), texts, expected, tmp_path)


def test_both_releases_read_the_hubs_tokenizer_alike(tmp_path: Path) -> None:
    """The older spelling of the multilingual tokenizer, with every compatibility rule."""
    tokenizer_json = build_unigram(rules=compile_rules(compatibility_rules()))
    texts = five_thousand()
    _, expected = token_ids_there(tokenizer_json, texts, tmp_path)
    check_ids(tokenizer_json, texts, expected, tmp_path)


def check_ids(tokenizer_json: str, texts: list[str], expected: list[list[int]], folder: Path) -> None:
    """Compare the ids of both releases with the expected ones, those cut at 512 tokens up to there."""
    version, there = token_ids_there(tokenizer_json, texts, folder)
    here = Tokenizer.from_json(tokenizer_json).tokenize(texts, UNCUT).ids
    wrong = [text for text, one, other in zip(texts, here, there, strict=True) if one != other]
    assert wrong == [], f"tokenizers {version} differs"
    cut = [one if len(one) <= 512 else [*one[:511], one[-1]] for one in here]
    wrong = [text for text, one, other in zip(texts, cut, expected, strict=True) if one != other]
    assert wrong == []


def test_a_pickle_that_does_anything_is_refused(tmp_path: Path) -> None:
    """torch's loader stops at the first thing that isn't a tensor: nothing runs, and the message says what to do."""
    import os
    import pickle

    class Bomb:
        def __reduce__(self) -> tuple[object, ...]:
            return os.mkdir, (str(tmp_path / "ran"),)

    folder = write_layout(tmp_path / "model", LAYOUTS["BioLORD-2023-S"])
    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(pickle.dumps(Bomb()))
    done = run_there("export", folder, tmp_path / "out", "cpu-fp32")
    assert "is not a file of plain tensors" in done.stderr
    assert "--revision refs/pr/1" in done.stderr
    assert not (tmp_path / "ran").exists()
    assert not (tmp_path / "out").exists()


def test_a_pickle_is_recorded_under_its_own_name(tmp_path: Path) -> None:
    """The manifest's digest is that of the file that was read."""
    folder = write_layout(tmp_path / "model", LAYOUTS["BioLORD-STAMB2-v1"])
    succeed_there("pickle", folder)
    succeed_there("export", folder, tmp_path / "out", "cpu-fp32")
    assert list(open_artifact(tmp_path / "out").manifest.source.weights) == ["pytorch_model.bin"]
