"""Settings of a checkpoint's files that are accepted: they change vectors as sentence-transformers lets them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from biolord_export.checkpoint.source import open_checkpoint
from biolord_onnx.embedder import Embedder
from oracle.client import Oracle
from tiny.checkpoint import write_checkpoint
from tiny.settings import (
    LIBRARY,
    NO_MODULES,
    POOLING,
    SENTENCE,
    TEXT_ONLY,
    TOKENIZER,
    Edit,
    flagged,
    in_turn,
    put,
    remove,
    rename,
    to_transformer_folder,
    with_tokenizer,
)
from tiny.tokenizer import write_json
from unit.export.places import Place

TEXTS = ["Cat scratch injury", "É FEVER, Ménière", "a<mask>b [MASK]  <mask> c", "猫 fever 糖", "", "fever " * 60]
APPLIED: dict[str, Edit] = {
    "empty prompts, as every release since 5 writes them": put(
        LIBRARY,
        __version__={"sentence_transformers": "5.2.0"},
        model_type="SentenceTransformer",
        prompts={"query": "", "document": ""},
        default_prompt_name=None,
        similarity_fn_name="cosine",
    ),
    "a default prompt that is empty": put(LIBRARY, prompts={"mine": ""}, default_prompt_name="mine"),
    "a default prompt that is built in": put(LIBRARY, default_prompt_name="query"),
    "prompts without a default": put(LIBRARY, prompts={"query": "query: ", "document": "passage: "}),
    "a width that cuts nothing": put(LIBRARY, truncate_dim=64),
    "the library's file without modules.json": in_turn(
        NO_MODULES, put(LIBRARY, prompts={"q": "fever "}, default_prompt_name="q", truncate_dim=8)
    ),
    "lower case without modules.json": in_turn(
        NO_MODULES, put(SENTENCE, do_lower_case=True), put("tokenizer.json", normalizer={"type": "NFC"})
    ),
    "lower case": in_turn(put(SENTENCE, do_lower_case=True), put("tokenizer.json", normalizer={"type": "NFC"})),
    "lower case where it is lowered already": in_turn(
        put(SENTENCE, do_lower_case=True),
        put("tokenizer.json", normalizer={"type": "Sequence", "normalizers": [{"type": "NFD"}, {"type": "Lowercase"}]}),
    ),
    "the module's file under an older name": rename(SENTENCE, "sentence_roberta_config.json", max_seq_length=7),
    "an empty file before an older name": in_turn(
        rename(SENTENCE, "sentence_xlnet_config.json", max_seq_length=7),
        lambda folder: write_json(folder / SENTENCE, {}),
    ),
    "the module's file as releases since 5.4 write it": put(
        SENTENCE,
        transformer_task="feature-extraction",
        modality_config=TEXT_ONLY,
        module_output_name="token_embeddings",
        processing_kwargs={},
        model_args={},
    ),
    "an encoder in a folder of its own": to_transformer_folder,
    "names of a call's options": lambda folder: write_json(
        folder / "modules.json",
        [{**entry, "kwargs": ["task"]} for entry in json.loads((folder / "modules.json").read_text(encoding="utf-8"))],
    ),
    "a list of one pooling": lambda folder: write_json(
        folder / POOLING, {"embedding_dimension": 64, "pooling_mode": ["cls"], "include_prompt": True}
    ),
    "a length as the first releases wrote it": in_turn(
        NO_MODULES, remove(TOKENIZER), put(TOKENIZER, max_len=7, do_lower_case=True)
    ),
    "cased by tokenizer_config.json": put(TOKENIZER, do_lower_case=False),
    "uncased by default": in_turn(with_tokenizer("normalizer", lowercase=False), remove(TOKENIZER)),
    "accents kept": put(TOKENIZER, strip_accents=False),
    "Chinese characters left together": put(TOKENIZER, tokenize_chinese_chars=False),
    "a tokenizer that is taken as it is": put(
        TOKENIZER, tokenizer_class="PreTrainedTokenizerFast", do_lower_case=False
    ),
    "BERT's tokenizer": put(TOKENIZER, tokenizer_class="BertTokenizer", tokenize_chinese_chars=False),
    "RoBERTa's tokenizer": put(TOKENIZER, tokenizer_class="RobertaTokenizerFast", do_lower_case=False),
    "masks that are whole words": lambda folder: flagged(folder, single_word=True),
    "masks that take the space behind": lambda folder: flagged(folder, rstrip=True, lstrip=False),
    "masks that are normalized": lambda folder: flagged(folder, normalized=True),
    "byte-level words without a space in front": put(
        "tokenizer.json",
        pre_tokenizer={"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True},
        normalizer={"type": "Lowercase"},
    ),
    "float16 in config.json": put("config.json", torch_dtype="float16"),
    "a causal model that says it isn't": in_turn(
        NO_MODULES, put("config.json", architectures=["MPNetForCausalLM"], is_causal=False)
    ),
}
ARCHITECTURES = ("mpnet", "bert")


@pytest.fixture(scope="module")
def applied(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], Path]:
    """Give every changed folder, by architecture and change."""
    folders = {}
    for architecture in ARCHITECTURES:
        for name, edit in APPLIED.items():
            folder = tmp_path_factory.mktemp("settings") / "model"
            edit(write_checkpoint(folder, architecture=architecture))
            folders[architecture, name] = folder
    return folders


@pytest.mark.parametrize("name", APPLIED)
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_what_is_applied_is_accepted(applied: dict[tuple[str, str], Path], architecture: str, name: str) -> None:
    """Said where there is no sentence-transformers to compare with."""
    assert open_checkpoint(str(applied[architecture, name])).config.model_type == architecture


@pytest.mark.real
@pytest.mark.parametrize("name", APPLIED)
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_what_is_exported_gives_the_librarys_vectors(
    applied: dict[tuple[str, str], Path], oracle: Oracle, tmp_path: Path, architecture: str, name: str
) -> None:
    """Every setting that is accepted changes the vectors as sentence-transformers lets it."""
    expected = dict(zip(applied, oracle.of_all(list(applied.values()), TEXTS), strict=True))[architecture, name]
    place = Place(tmp_path)
    outcome = place.export(applied[architecture, name], "--target", "cpu-fp32")
    assert outcome.code == 0, outcome.err
    with Embedder.load(place.out) as embedder:
        found = embedder.encode_with_info(TEXTS).vectors
    np.testing.assert_allclose(found, expected.vectors, atol=1e-5)
