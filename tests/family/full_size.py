"""Write a layout of the family in full size, with seeded random weights, to measure sizes, memory and time on.

    PYTHONPATH=tests:runtime:export python -m family.full_size BioLORD-2023-M /tmp/BioLORD-2023-M

Vectors of such a checkpoint mean nothing, and its fidelity after quantizing isn't that of trained weights. It takes
1.1 GB (BioLORD-2023-M) or 0.4 GB; no test writes one.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file

from family.layouts import LAYOUTS, Layout, write_layout
from tiny.charsmap import compatibility_rules, compile_rules
from tiny.sentencepiece import write_model
from tiny.tokenizer import write_json
from tiny.unigram import FIRST, build_unigram, trained_pieces
from tiny.weights import Sizes

FULL = Sizes(hidden=768, layers=12, heads=12, inner=3072, positions=514)
VOCABULARY = {"mpnet": 30_527, "xlm-roberta": 250_002}
SYLLABLES = {
    "latin": "a e i o u an en in on ar er ta te ti to ra re ri sa se si la le li ma me mi na ne ni ka ke ki ción ß ż ã",
    "cyrillic": "а е и о у ан ен ов ст ра ре ни на не то та ко ка ли ла ло про при ск ия ый ть",
    "greek": "α ε ι ο υ αν εν ος ις τα το τη κα κο μα με πα πο ρα ρι σα σε λο λη",
    "arabic": "ا ل م ن و ي ب ت ر س ع ال ون ين ات ها وا مر كت",
    "devanagari": "क ख ग च ज ट त द न प ब म य र ल व स ह का की के को ता ती ते ना नी ने रा री रे",
    "hangul": "가 나 다 라 마 바 사 아 자 하 이 그 에 서 로 을 를 은 는 한 인 의",
    "han": "病 症 炎 癌 心 肺 肝 腎 脳 血 管 性 急 慢 発 熱 痛 皮 膚 骨 関 節 糖 尿",
}
EMBEDDING_SPREAD = 0.05


def synthetic_pieces(count: int, known: set[str]) -> Iterator[str]:
    """Make up word-like pieces in several scripts, as long as a multilingual vocabulary's on average."""
    random = np.random.default_rng(250_002)
    scripts = [row.split() for row in SYLLABLES.values()]
    seen = set(known)
    while count:
        syllables = scripts[int(random.choice(len(scripts), p=[0.5, 0.2, 0.05, 0.08, 0.07, 0.05, 0.05]))]
        piece = "".join(random.choice(syllables, size=int(random.integers(1, 5))))
        piece = f"▁{piece}" if random.random() < 0.5 else piece
        if piece not in seen:
            seen.add(piece)
            count -= 1
            yield piece


def write_full_size(folder: Path, layout: Layout) -> Path:
    """Write a checkpoint; its weights are a safetensors file."""
    write_layout(folder, layout, sizes=FULL)
    size = VOCABULARY[layout.architecture]
    write = _write_unigram if layout.architecture == "xlm-roberta" else _extend_wordpiece
    write(folder, size)
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    write_json(folder / "config.json", config | {"vocab_size": size})
    weights = folder / "model.safetensors"
    tensors = load_file(weights)
    random = np.random.default_rng(size)
    table = random.standard_normal((size, FULL.hidden), dtype=np.float32) * np.float32(EMBEDDING_SPREAD)
    save_file({**tensors, "embeddings.word_embeddings.weight": table}, weights, metadata={"format": "pt"})
    return folder


def _write_unigram(folder: Path, size: int) -> None:
    known = trained_pieces()
    missing = size - len(known) - len(FIRST) - 1
    made = synthetic_pieces(missing, {piece for piece, _ in known} | {"<mask>", *FIRST})
    scores = np.linspace(-9.0, -16.0, missing)
    # Single precision, as sentencepiece stores them: in tokenizer.json that takes 17 digits.
    pieces = [*known, *((piece, float(np.float32(score))) for piece, score in zip(made, scores, strict=True))]
    rules = compile_rules(compatibility_rules())
    (folder / "tokenizer.json").write_text(build_unigram(pieces, rules), encoding="utf-8")
    write_model(folder / "sentencepiece.bpe.model", pieces=pieces, rules=rules)


def _extend_wordpiece(folder: Path, size: int) -> None:
    lines = (folder / "vocab.txt").read_text(encoding="utf-8").splitlines()
    made = synthetic_pieces(size - len(lines), set(lines))
    whole = [*lines[:-1], *(piece.replace("▁", "##") for piece in made), lines[-1]]
    (folder / "vocab.txt").write_text("".join(f"{line}\n" for line in whole), encoding="utf-8")
    path = folder / "tokenizer.json"
    if path.is_file():
        values = json.loads(path.read_text(encoding="utf-8"))
        values["model"]["vocab"] = {line: number for number, line in enumerate(whole)}
        values["added_tokens"][-1]["id"] = size - 1
        write_json(path, values)


def main() -> int:
    """Write the layout that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("layout", choices=LAYOUTS)
    parser.add_argument("folder", type=Path)
    asked = parser.parse_args()
    write_full_size(asked.folder, LAYOUTS[asked.layout])
    return 0


if __name__ == "__main__":
    sys.exit(main())
