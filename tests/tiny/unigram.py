"""A real Unigram tokenizer over some 1500 pieces, in XLM-R's manner, as the hub's files have it.

The pieces were trained once, by ``python -m tiny.unigram`` in this folder's parent, on the project's own texts and the
hostile strings: training again would be slow, and other bytes with another release of tokenizers.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path

from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers, pre_tokenizers, processors, trainers

from tiny.charsmap import compatibility_rules, compile_rules

TRAINED = Path(__file__).with_name("unigram.json")
TRAINED_SIZE = 1500
FIRST = ("<s>", "<pad>", "</s>", "<unk>")
MASK = "<mask>"
LAST_RULE = 0x2FF
"""Rules up to here make a table of a kilobyte."""

Pieces = Sequence[tuple[str, float]]


@cache
def trained_pieces() -> Pieces:
    """Return the trained pieces with their scores, likeliest first."""
    return [(piece, score) for piece, score in json.loads(TRAINED.read_text(encoding="utf-8"))]


@cache
def charsmap(last: int = LAST_RULE) -> bytes:
    """Return compiled compatibility rules for characters up to a code point."""
    return compile_rules(compatibility_rules(last))


def build_unigram(pieces: Pieces | None = None, rules: bytes | None = None) -> str:
    """Write ``tokenizer.json`` as the multilingual sentence-transformers have it, in tokenizers' old spelling."""
    inner = trained_pieces() if pieces is None else pieces
    whole = [*((name, 0.0) for name in FIRST), *inner, (MASK, 0.0)]
    tokenizer = Tokenizer(models.Unigram(whole, unk_id=3))
    tokenizer.normalizer = normalizers.Precompiled(charsmap() if rules is None else rules)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")]
    )
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    tokenizer.add_special_tokens(
        [*(AddedToken(name, normalized=False) for name in FIRST), AddedToken(MASK, lstrip=True, normalized=False)]
    )
    values = json.loads(tokenizer.to_str())
    for part in values["pre_tokenizer"]["pretokenizers"][1:]:
        del part["prepend_scheme"], part["split"]
        part["add_prefix_space"] = True
    return json.dumps(values, ensure_ascii=False)


def _texts() -> Iterator[str]:
    from parity.texts import HOSTILE  # not needed by those who only read the pieces

    data = files("biolord_export") / "data"
    for folder in ("calibration", "verification"):
        for path in (data / folder).iterdir():
            yield from path.read_text(encoding="utf-8").splitlines()
    yield from (text for text in HOSTILE if len(text) < 300)


def train(size: int = TRAINED_SIZE) -> list[tuple[str, float]]:
    """Train the pieces."""
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Replace(Regex(r"\s+"), " ")])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
    trainer = trainers.UnigramTrainer(vocab_size=size, special_tokens=["<unk>"], unk_token="<unk>", show_progress=False)
    tokenizer.train_from_iterator(_texts(), trainer)
    model = json.loads(tokenizer.to_str())["model"]
    return [(piece, round(score, 4)) for piece, score in model["vocab"] if piece != "<unk>"]


def main() -> int:
    """Train again and write the file."""
    rows = ",\n".join(json.dumps(row, ensure_ascii=False) for row in train())
    TRAINED.write_text(f"[\n{rows}\n]\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
