"""A real WordPiece tokenizer over some 270 pieces, in MPNet's and in BERT's manner, and XLM-R's, with their traps.

Like the file of all-mpnet-base-v2 it has padding to a fixed length and a truncation baked in, both to be
reset by whoever loads it.
"""

from __future__ import annotations

import json
import string
from dataclasses import dataclass, replace
from pathlib import Path

from tokenizers import AddedToken, Tokenizer, models, normalizers, pre_tokenizers, processors

from tiny.bpe import bpe_pieces, build_bpe
from tiny.sentencepiece import write_model
from tiny.unigram import FIRST, MASK, build_unigram, trained_pieces

BAKED_LENGTH = 32
"""The baked-in padding and truncation: less than the limit of the tiny checkpoints."""

PIECES = Path(__file__).with_name("pieces.txt")
"""Words, and endings of words."""


@dataclass(frozen=True)
class Specials:
    """The special tokens of an architecture: ``first`` have the ids from 0 on, ``last`` the highest."""

    first: tuple[str, ...]
    last: tuple[str, ...]
    opening: str
    closing: str
    pad: str
    mask: str
    tokenizer_class: str


_BERT = Specials(
    ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"),
    (),
    "[CLS]",
    "[SEP]",
    "[PAD]",
    "[MASK]",
    "BertTokenizer",
)
_XLM_R = Specials(FIRST, (MASK,), "<s>", "</s>", "<pad>", MASK, "XLMRobertaTokenizer")
SPECIALS = {
    "mpnet": Specials(
        ("<s>", "<pad>", "</s>", "<unk>", "[UNK]"),
        ("<mask>",),
        "<s>",
        "</s>",
        "<pad>",
        "<mask>",
        "MPNetTokenizer",
    ),
    "bert": _BERT,
    "distilbert": replace(_BERT, tokenizer_class="DistilBertTokenizer"),
    "electra": replace(_BERT, tokenizer_class="ElectraTokenizer"),
    "modernbert": Specials(
        (),
        ("[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]"),
        "[CLS]",
        "[SEP]",
        "[PAD]",
        "[MASK]",
        "PreTrainedTokenizerFast",
    ),
    "camembert": replace(_XLM_R, tokenizer_class="CamembertTokenizer"),
    "xlm-roberta": _XLM_R,
}
UNIGRAM = frozenset({"camembert", "xlm-roberta"})


def vocabulary(architecture: str) -> tuple[str, ...]:
    """List the pieces by id: every ASCII character alone and inside a word, then words and endings."""
    specials = SPECIALS[architecture]
    if architecture == "modernbert":
        return (*bpe_pieces(), *specials.last)
    if architecture in UNIGRAM:
        return (*specials.first, *(piece for piece, _ in trained_pieces()), *specials.last)
    characters = string.ascii_lowercase + string.digits + string.punctuation
    pieces = (
        *characters,
        *(f"##{character}" for character in characters),
        *PIECES.read_text(encoding="utf-8").split(),
    )
    return tuple(dict.fromkeys((*specials.first, *pieces, *specials.last)))


def build_tokenizer(architecture: str) -> Tokenizer:
    """Build the tokenizer, padding and truncation baked in."""
    specials = SPECIALS[architecture]
    if architecture == "modernbert":
        tokenizer = build_bpe(vocabulary(architecture), specials.last, (specials.opening, specials.closing))
        return _bake(tokenizer, vocabulary(architecture).index(specials.pad), specials.pad)
    if architecture in UNIGRAM:
        return _bake(Tokenizer.from_str(build_unigram()), FIRST.index(specials.pad), specials.pad)
    ids = {piece: index for index, piece in enumerate(vocabulary(architecture))}
    tokenizer = Tokenizer(models.WordPiece(ids, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.add_special_tokens(
        [AddedToken(token, lstrip=token == "<mask>", normalized=False) for token in (*specials.first, *specials.last)]
    )
    ends = (specials.closing, ids[specials.closing]), (specials.opening, ids[specials.opening])
    tokenizer.post_processor = (
        processors.RobertaProcessing(*ends, add_prefix_space=False)
        if architecture == "mpnet"
        else processors.BertProcessing(*ends)
    )
    return _bake(tokenizer, ids[specials.pad], specials.pad)


def _bake(tokenizer: Tokenizer, pad_id: int, pad_token: str) -> Tokenizer:
    tokenizer.enable_padding(length=BAKED_LENGTH, pad_id=pad_id, pad_token=pad_token)
    tokenizer.enable_truncation(BAKED_LENGTH)
    return tokenizer


def write_tokenizer(folder: Path, architecture: str) -> None:
    """Write the tokenizer's files as sentence-transformers folders have them."""
    specials = SPECIALS[architecture]
    named = {
        "bos_token": specials.opening,
        "eos_token": specials.closing,
        "cls_token": specials.opening,
        "sep_token": specials.closing,
        "unk_token": "[UNK]" if "[UNK]" in (*specials.first, *specials.last) else "<unk>",
        "pad_token": specials.pad,
        "mask_token": specials.mask,
    }
    settings = {
        **named,
        **({} if architecture in {*UNIGRAM, "modernbert"} else {"do_lower_case": True}),
        **({"model_input_names": ["input_ids", "attention_mask"]} if architecture == "modernbert" else {}),
        "model_max_length": 512,
        "tokenizer_class": specials.tokenizer_class,
    }
    build_tokenizer(architecture).save(str(folder / "tokenizer.json"))
    write_json(folder / "tokenizer_config.json", settings)
    write_json(folder / "special_tokens_map.json", named)
    if architecture == "modernbert":
        return
    if architecture in UNIGRAM:
        write_model(folder / "sentencepiece.bpe.model")
        return
    lines = "".join(f"{piece}\n" for piece in vocabulary(architecture))
    (folder / "vocab.txt").write_text(lines, encoding="utf-8")


def write_json(path: Path, value: object) -> None:
    """Write a JSON file, its folder made if need be."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")
