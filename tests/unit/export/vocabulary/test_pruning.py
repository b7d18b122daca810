"""Keeping only the tokens that somebody's texts need."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biolord_export.checkpoint.architectures import read_weights
from biolord_export.checkpoint.source import Checkpoint, open_checkpoint
from biolord_export.corpus import Corpus
from biolord_export.errors import CheckpointError, ExportError
from biolord_export.vocabulary.pruning import (
    UNSEEN,
    YOURS,
    KeptVocabulary,
    keep_vocabulary,
    load_weights,
    measure_coverage,
    prune_tokenizer,
)
from biolord_onnx.tokenizer.tokenizer import Tokenizer
from family.strings import five_thousand
from parity.texts import names, passages
from unit.export.editing import edit_json

ARCHITECTURES = ("bert", "mpnet", "xlm-roberta")
MINE = Corpus((*names(150), "Ménière 病 \u0378 ½"), "mine.txt")
OTHER = tuple(text for text in five_thousand()[::3] if len(text) < 200)


@pytest.fixture(scope="module", params=ARCHITECTURES)
def whole(request: pytest.FixtureRequest) -> Checkpoint:
    """Each tiny checkpoint."""
    return open_checkpoint(str(request.getfixturevalue(f"tiny_{request.param}")))


@pytest.fixture(scope="module")
def kept(whole: Checkpoint) -> Checkpoint:
    """The same, cut down to a few names' tokens."""
    return keep_vocabulary(whole, MINE)


def vocabulary_of(checkpoint: Checkpoint) -> KeptVocabulary:
    """What was kept."""
    assert checkpoint.vocabulary is not None
    return checkpoint.vocabulary


def old_ids(checkpoint: Checkpoint, texts: tuple[str, ...]) -> list[list[int]]:
    """Tokenize with what was kept; ids as they were."""
    known = vocabulary_of(checkpoint).ids
    rows = Tokenizer.from_json(checkpoint.tokenizer_json).tokenize(texts, 10_000).ids
    return [known[row].tolist() for row in rows]


def whole_ids(checkpoint: Checkpoint, texts: tuple[str, ...]) -> list[list[int]]:
    """Tokenize with the whole vocabulary."""
    return Tokenizer.from_json(vocabulary_of(checkpoint).whole_tokenizer).tokenize(texts, 10_000).ids


def test_ones_own_texts_keep_their_tokens(kept: Checkpoint) -> None:
    """Whatever the model, and unknown characters among them."""
    assert old_ids(kept, MINE.texts) == whole_ids(kept, MINE.texts)


def test_less_is_kept_than_there_was(whole: Checkpoint, kept: Checkpoint) -> None:
    """The vocabulary shrinks, and what stays keeps its order."""
    ids = vocabulary_of(kept).ids
    assert len(ids) < 0.95 * whole.config.vocabulary
    assert (np.diff(ids) > 0).all()
    assert vocabulary_of(kept).size == whole.config.vocabulary


def test_any_other_text_still_encodes(kept: Checkpoint) -> None:
    """What is spelled in known characters gets no unknown token, and every id has a vector."""
    before, after = whole_ids(kept, OTHER), old_ids(kept, OTHER)
    unknown = Tokenizer.from_json(vocabulary_of(kept).whole_tokenizer).tokenizer.token_to_id
    marks = {unknown("[UNK]"), unknown("<unk>")} - {None}
    worse = [
        text
        for text, one, other in zip(OTHER, before, after, strict=True)
        if marks & set(other) and not marks & set(one)
    ]
    assert worse == []


def test_a_text_whose_tokens_are_all_kept_is_tokenized_as_before(kept: Checkpoint) -> None:
    """And only such a text: that is what coverage is reckoned by."""
    ids = set(vocabulary_of(kept).ids.tolist())
    texts = (*OTHER, *names(900), *passages(50))
    before, after = whole_ids(kept, texts), old_ids(kept, texts)
    same = [set(one) <= ids for one in before]
    assert [one == other for one, other in zip(before, after, strict=True)] == same
    assert 0.05 < np.mean(same) < 0.95


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            ["a", "b", "e", "é", "½", "病", "▁", "#", "##", "fever", "<mask>", "[UNK]", "</s>", "́", "\u0378"]
        ),
        max_size=9,
    )
)
def test_mixtures_of_kept_and_other_tokens(kept: Checkpoint, parts: list[str]) -> None:
    """The same holds for special tokens, marks and unknown characters in any order."""
    text = ("".join(parts),)
    if set(whole_ids(kept, text)[0]) <= set(vocabulary_of(kept).ids.tolist()):
        assert old_ids(kept, text) == whole_ids(kept, text)


def test_vectors_follow_their_tokens(whole: Checkpoint, kept: Checkpoint) -> None:
    """Row n of the table belongs to the token of the new id n; everything else is as it was."""
    before, after = read_weights(whole.config, whole.weights), load_weights(kept)
    ids = vocabulary_of(kept).ids
    np.testing.assert_array_equal(after.word_embeddings, before.word_embeddings[ids])
    assert ids[after.pad_id] == before.pad_id
    assert (after.first_position, after.architecture) == (before.first_position, before.architecture)
    np.testing.assert_array_equal(after.layers[0].qkv.weight, before.layers[0].qkv.weight)


def test_without_a_kept_vocabulary_all_is_read(whole: Checkpoint) -> None:
    """The usual export."""
    assert len(load_weights(whole).word_embeddings) == whole.config.vocabulary


def test_special_tokens_and_characters_stay(kept: Checkpoint) -> None:
    """Whether a text has them or not."""
    before = Tokenizer.from_json(vocabulary_of(kept).whole_tokenizer).tokenizer
    ids = set(vocabulary_of(kept).ids.tolist())
    single = [number for piece, number in before.get_vocab().items() if len(piece) == 1]
    assert ids >= {*single, *before.get_added_tokens_decoder()}


def test_coverage_of_the_texts_and_of_unseen_ones(kept: Checkpoint) -> None:
    """All of one's own by construction; one in ten by the tokens of the others tells what to expect of more of them."""
    mine, unseen = vocabulary_of(kept).coverage
    assert (mine.kind, mine.texts, mine.same_texts, mine.kept_tokens) == (YOURS, len(MINE.texts), 1.0, 1.0)
    assert (unseen.kind, unseen.texts) == (UNSEEN, len(MINE.texts) // 10)
    assert 0 <= unseen.same_texts <= 1
    assert 0.5 < unseen.kept_tokens <= 1


def test_coverage_is_counted(tiny_mpnet: Path) -> None:
    """Shares of texts and of tokens, the special ones included."""
    whole = open_checkpoint(str(tiny_mpnet)).tokenizer_json
    a = Tokenizer.from_json(whole).tokenize(["a"], 9).ids[0]
    found = measure_coverage(whole, np.unique(a), "two", ("a", "a b"))
    assert (found.kind, found.texts, found.same_texts, found.kept_tokens) == ("two", 2, 0.5, 6 / 7)


def test_nine_texts_leave_none_unseen(tiny_mpnet: Path) -> None:
    """Then there is nothing to say about more of them."""
    kept = keep_vocabulary(open_checkpoint(str(tiny_mpnet)), Corpus(tuple(names(9)), "nine.txt"))
    assert [coverage.kind for coverage in vocabulary_of(kept).coverage] == [YOURS]


def test_a_file_without_texts_is_refused(tiny_mpnet: Path) -> None:
    """It would keep characters alone."""
    with pytest.raises(ExportError, match=r"mine\.txt has no texts"):
        keep_vocabulary(open_checkpoint(str(tiny_mpnet)), Corpus((), "mine.txt"))


@pytest.mark.parametrize(
    "model", [{"type": "BPE", "vocab": {"a": 0}, "merges": []}, {"type": "WordLevel", "vocab": {}}]
)
def test_other_models_are_refused(tiny_mpnet: Path, model: dict[str, object]) -> None:
    """A byte-pair vocabulary can't lose a token without its merges."""
    values = json.loads(open_checkpoint(str(tiny_mpnet)).tokenizer_json)
    with pytest.raises(CheckpointError, match=rf"model is '{model['type']}', .* leave --keep-vocabulary out"):
        prune_tokenizer(json.dumps({**values, "model": model}), np.arange(3))


def test_a_numbering_that_tokenizers_would_not_follow_is_refused(tiny_mpnet: Path) -> None:
    """A token added beyond the vocabulary, with a gap before it, moves up in ways of its own."""
    values = json.loads(open_checkpoint(str(tiny_mpnet)).tokenizer_json)
    size = len(values["model"]["vocab"])
    values["added_tokens"].append({**values["added_tokens"][-1], "id": size + 40, "content": "[DRUG]"})
    with pytest.raises(CheckpointError, match=rf"token {size + 40}, None, would get the id of '\[DRUG\]', {size}: "):
        prune_tokenizer(json.dumps(values), np.array([*range(size), size + 40]))


def test_a_template_and_the_older_post_processors_are_numbered_anew(tiny_mpnet: Path, tmp_path: Path) -> None:
    """The tokens around a text keep being the special ones."""
    checkpoint = open_checkpoint(str(tiny_mpnet))
    kept = keep_vocabulary(checkpoint, MINE)
    values = json.loads(kept.tokenizer_json)
    assert values["post_processor"]["sep"] == ["</s>", 2]
    assert values["post_processor"]["cls"] == ["<s>", 0]
    edit_json(tmp_path / write(tmp_path, checkpoint.tokenizer_json), post_processor=TEMPLATE)
    templated = replace(checkpoint, tokenizer_json=(tmp_path / "tokenizer.json").read_text(encoding="utf-8"))
    found = Tokenizer.from_json(keep_vocabulary(templated, MINE).tokenizer_json)
    assert (found.prefix, found.suffix) == ((0,), (2,))


TEMPLATE = {
    "type": "TemplateProcessing",
    "single": [
        {"SpecialToken": {"id": "<s>", "type_id": 0}},
        {"Sequence": {"id": "A", "type_id": 0}},
        {"SpecialToken": {"id": "</s>", "type_id": 0}},
    ],
    "pair": [],
    "special_tokens": {
        "<s>": {"id": "<s>", "ids": [0], "tokens": ["<s>"]},
        "</s>": {"id": "</s>", "ids": [2], "tokens": ["</s>"]},
    },
}


def write(folder: Path, tokenizer_json: str) -> str:
    """Write a tokenizer; returns the file's name."""
    (folder / "tokenizer.json").write_text(tokenizer_json, encoding="utf-8")
    return "tokenizer.json"


def test_the_manifest_tells_what_was_kept(kept: Checkpoint) -> None:
    """Counts, where the texts came from, and coverage by kind."""
    told = vocabulary_of(kept).to_json()
    assert (told["kept"], told["of"]) == (len(vocabulary_of(kept).ids), kept.config.vocabulary)
    assert (told["origin"], told["sha256"]) == ("mine.txt", MINE.sha256())
    coverage = told["coverage"]
    assert isinstance(coverage, list)
    assert len(coverage) == 2
