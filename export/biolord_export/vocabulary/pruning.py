"""Prune the vocabulary to the tokens a corpus uses: the table of token vectors shrinks, the encoder stays.

Beside those tokens stay all single characters, so that any other text still encodes, in smaller pieces, and all special
tokens. A text whose tokens are all kept is tokenized as before: WordPiece takes the longest piece that fits and Unigram
the likeliest path, and dropping what wasn't taken changes neither. (Unigram's price of an unknown character follows the
least likely piece, which is therefore kept, too.)
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, cast

import numpy as np

from biolord_export.checkpoint.architectures import read_weights
from biolord_export.checkpoint.heads import with_types
from biolord_export.errors import CheckpointError, ExportError
from biolord_onnx.tokenizer.tokenizer import Tokenizer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from biolord_export.checkpoint.source import Checkpoint
    from biolord_export.checkpoint.weights import EncoderWeights
    from biolord_export.corpus import Corpus
    from biolord_onnx.artifact.json_fields import JSON, JSONObject
    from biolord_onnx.artifact.pairing import PairFrame

    Ids = NDArray[np.int64]

SLICE = 4096
"""Texts tokenized at once."""
HELD_OUT_EVERY = 10
"""One text in ten tells how well the others' tokens cover texts like them."""
UNCUT = 2**31 - 1
CONTINUES = "##"
YOURS, UNSEEN = "your texts", "your texts, by the tokens of the others"


@dataclass(frozen=True, slots=True)
class Coverage:
    """How much of some texts is tokenized as with the whole vocabulary.

    Attributes:
        kind: Which texts.
        texts: How many.
        same_texts: Share of them whose tokens are all kept: their vectors stay.
        kept_tokens: Share of their tokens that are kept.
    """

    kind: str
    texts: int
    same_texts: float
    kept_tokens: float


@dataclass(frozen=True, slots=True)
class KeptVocabulary:
    """What was kept of a vocabulary.

    Attributes:
        ids: int64 [kept], ascending: the token of the new id ``n`` had the id ``ids[n]``.
        size: Tokens that there were.
        whole_tokenizer: The text of the tokenizer.json with all of them.
        texts: The user's texts.
        coverage: Of those texts, and of one in ten by the tokens of the other nine.
    """

    ids: Ids
    size: int
    whole_tokenizer: str
    texts: Corpus
    coverage: tuple[Coverage, ...]

    def to_json(self) -> JSONObject:
        """Return what a manifest tells of it."""
        return {
            "kept": len(self.ids),
            "of": self.size,
            "origin": self.texts.origin,
            "sha256": self.texts.sha256(),
            "coverage": [asdict(coverage) for coverage in self.coverage],
        }


def keep_vocabulary(checkpoint: Checkpoint, texts: Corpus) -> Checkpoint:
    """Give a checkpoint the vocabulary that texts need; its weights are cut down when they are read.

    Raises:
        CheckpointError: Its tokenizer is of a kind that can't be cut down.
        ExportError: There are no texts, or the checkpoint is a cross-encoder.
    """
    if checkpoint.reranking is not None:
        raise ExportError(
            f"--keep-vocabulary is for checkpoints that embed texts, {checkpoint.place.id} is a cross-encoder: "
            "leave it out"
        )
    if not texts.texts:
        raise ExportError(f"{texts.origin} has no texts: give one per line")
    whole = checkpoint.tokenizer_json
    others = np.union1d(_always_kept(whole), _tokens_of(whole, list(checkpoint.prompts.texts.values())))
    kept = np.union1d(others, _tokens_of(whole, texts.texts))
    coverage = [measure_coverage(whole, kept, YOURS, texts.texts)]
    held_out = texts.texts[HELD_OUT_EVERY - 1 :: HELD_OUT_EVERY]
    if held_out:
        rest = [text for number, text in enumerate(texts.texts) if number % HELD_OUT_EVERY != HELD_OUT_EVERY - 1]
        others = np.union1d(others, _tokens_of(whole, rest))
        coverage.append(measure_coverage(whole, others, UNSEEN, held_out))
    vocabulary = KeptVocabulary(kept, checkpoint.config.vocabulary, whole, texts, tuple(coverage))
    note = (
        f"{len(kept)} of {vocabulary.size} tokens are kept (--keep-vocabulary): texts that need others get other "
        "vectors than the checkpoint's"
    )
    pruned = prune_tokenizer(whole, kept)
    return replace(
        checkpoint,
        tokenizer_json=pruned,
        vocabulary=vocabulary,
        notes=(*checkpoint.notes, note),
        pairs=checkpoint.pairs and _renumber_frame(checkpoint.pairs, kept),
    )


def _renumber_frame(frame: PairFrame, kept: Ids) -> PairFrame:
    prefix, middle, suffix = (
        tuple(np.searchsorted(kept, ids).tolist()) for ids in (frame.prefix, frame.middle, frame.suffix)
    )
    return replace(frame, prefix=prefix, middle=middle, suffix=suffix)


def load_weights(checkpoint: Checkpoint) -> EncoderWeights:
    """Read a checkpoint's weights, the vectors of its tokens as far as they are kept.

    Raises:
        CheckpointError: The file doesn't hold what config.json promises.
    """
    weights = read_weights(checkpoint.config, checkpoint.weights)
    if checkpoint.pairs and checkpoint.pairs.token_types:
        weights = with_types(weights, checkpoint.config, checkpoint.weights)
    if checkpoint.vocabulary is None:
        return weights
    ids = checkpoint.vocabulary.ids
    pad_id = int(np.searchsorted(ids, weights.pad_id))
    return replace(weights, word_embeddings=weights.word_embeddings[ids], pad_id=pad_id)


def measure_coverage(whole: str, kept: Ids, kind: str, texts: Sequence[str]) -> Coverage:
    """Tell how much of texts is tokenized as with the whole vocabulary.

    Args:
        whole: The text of the tokenizer.json with the whole vocabulary.
        kept: int64, ascending ids that are kept.
        kind: What the texts are.
        texts: At least one.
    """
    tokens = same = found = 0
    for ids in _token_ids(whole, texts):
        inside = int(np.isin(ids, kept).sum())
        tokens += len(ids)
        found += inside
        same += inside == len(ids)
    return Coverage(kind, len(texts), same / len(texts), found / tokens)


def prune_tokenizer(whole: str, kept: Ids) -> str:
    """Cut the vocabulary of a tokenizer.json down, and number it anew.

    Args:
        whole: Its text.
        kept: int64, ascending ids to keep, those of added tokens among them.

    Returns:
        The text of one whose token ``n`` is the one that had the id ``kept[n]``.

    Raises:
        CheckpointError: It is of a kind that can't be cut down.
    """
    values = json.loads(whole)
    new_ids = {int(old): new for new, old in enumerate(kept)}
    model = values["model"]
    pieces = _pieces(model)
    if isinstance(model["vocab"], dict):
        model["vocab"] = {piece: new_ids[old] for piece, old in pieces if old in new_ids}
    else:
        model["vocab"] = [row for old, row in enumerate(model["vocab"]) if old in new_ids]
        model["unk_id"] = new_ids[model["unk_id"]]
    for token in values["added_tokens"]:
        token["id"] = new_ids[token["id"]]
    values["post_processor"] = _renumber(values["post_processor"], new_ids)
    text = json.dumps(values, ensure_ascii=False, separators=(",", ":"))
    _check(whole, text, kept)
    return text


def _token_ids(tokenizer_json: str, texts: Sequence[str]) -> Iterator[Ids]:
    tokenizer = Tokenizer.from_json(tokenizer_json)
    for start in range(0, len(texts), SLICE):
        for ids in tokenizer.tokenize(texts[start : start + SLICE], UNCUT).ids:
            yield np.array(ids, dtype=np.int64)


def _tokens_of(tokenizer_json: str, texts: Sequence[str]) -> Ids:
    seen: set[int] = set()
    for ids in _token_ids(tokenizer_json, texts):
        seen.update(ids.tolist())
    return np.array(sorted(seen), dtype=np.int64)


def _always_kept(tokenizer_json: str) -> Ids:
    """List the ids of special tokens, single characters, and what an unknown character is reckoned by."""
    values = json.loads(tokenizer_json)
    model = values["model"]
    ids = {old for piece, old in _pieces(model) if len(piece.removeprefix(CONTINUES)) == 1 or len(piece) == 1}
    ids |= {token["id"] for token in values["added_tokens"]}
    if isinstance(model["vocab"], dict):
        ids.add(model["vocab"][model["unk_token"]])
    else:
        scores = [score for _, score in model["vocab"]]
        ids |= {model["unk_id"], int(np.argmin(scores))}
    ids |= set(_processor_ids(values["post_processor"]).tolist())
    return np.array(sorted(ids), dtype=np.int64)


def _pieces(model: Mapping[str, JSON]) -> list[tuple[str, int]]:
    """List a model's pieces with their ids."""
    kind, vocabulary = model.get("type"), model.get("vocab")
    if kind == "WordPiece" and isinstance(vocabulary, dict):
        return list(cast("dict[str, int]", vocabulary).items())
    if kind == "Unigram" and isinstance(vocabulary, list) and not model.get("byte_fallback"):
        return [(cast("list[str]", row)[0], number) for number, row in enumerate(vocabulary)]
    raise CheckpointError(
        f"the tokenizer's model is {kind!r}, a vocabulary can be cut down of WordPiece and of Unigram without byte "
        "fallback: leave --keep-vocabulary out"
    )


def _processor_ids(part: object) -> Ids:
    found: list[int] = []

    def note(old: int) -> int:
        found.append(old)
        return old

    _walk(part, note)
    return np.array(found, dtype=np.int64)


def _renumber(part: object, new_ids: Mapping[int, int]) -> object:
    return _walk(part, lambda old: new_ids[old])


def _walk(part: object, number: Callable[[int], int]) -> object:
    """Rebuild a post-processor with other token ids.

    They stand in ``["</s>", 2]`` below ``sep`` and ``cls``, and in the lists ``ids`` of a template.
    """
    if isinstance(part, list):
        return [_walk(entry, number) for entry in part]
    if not isinstance(part, dict):
        return part
    rebuilt: dict[str, object] = {}
    for key, value in part.items():
        if key in {"sep", "cls"} and isinstance(value, list):
            rebuilt[key] = [value[0], number(value[1])]
        elif key == "ids" and isinstance(value, list):
            rebuilt[key] = [number(old) for old in value]
        else:
            rebuilt[key] = _walk(value, number)
    return rebuilt


def _check(whole: str, pruned: str, kept: Ids) -> None:
    """See that tokenizers numbers the kept tokens as the rows of the table will be."""
    before, after = (Tokenizer.from_json(text).tokenizer for text in (whole, pruned))
    for new, old in enumerate(kept.tolist()):
        if before.id_to_token(old) != after.id_to_token(new):
            raise CheckpointError(
                f"token {old}, {before.id_to_token(old)!r}, would get the id of {after.id_to_token(new)!r}, {new}: "
                "leave --keep-vocabulary out"
            )
