"""Five thousand strings in many scripts, and many that break tokenizers; the same ones each time."""

from __future__ import annotations

import random
from collections.abc import Iterator
from importlib.resources import files

from parity.texts import HOSTILE

COUNT = 5000
LONGEST = 400
"""Longer hostile strings are cut: five thousand of them are to be tokenized in seconds."""
SPECIALS = (
    "<s>",
    "</s>",
    "<pad>",
    "<unk>",
    "<mask>",
    "[UNK]",
    "[CLS]",
    "[MASK]",
    "[PAD]",
    " <mask>",
    "▁",
    "##",
    "\u2581a",
)
RANGES = (
    (0x00, 0x7F),
    (0x80, 0x24F),
    (0x300, 0x36F),
    (0x370, 0x5FF),
    (0x600, 0x6FF),
    (0x900, 0xDFF),
    (0xE00, 0xEFF),
    (0x1100, 0x11FF),
    (0x1E00, 0x1FFF),
    (0x2000, 0x2BFF),
    (0x3000, 0x30FF),
    (0x4E00, 0x9FFF),
    (0xAC00, 0xD7A3),
    (0xE000, 0xE0FF),
    (0xF900, 0xFFFD),
    (0x1D400, 0x1D7FF),
    (0x1F300, 0x1FAFF),
)
SPACES = (" ", "  ", "\t", "\n", "\u00a0", "\u3000", "\u200b", "")


def five_thousand() -> list[str]:
    """The project's own texts, the hostile ones, and seeded mixtures of scripts, spaces and special tokens."""
    source = random.Random(5000)
    known = [*(text[:LONGEST] for text in HOSTILE), *_corpus()]
    words = [word for text in known for word in text.split()]
    mixed = (_mixture(source, words) for _ in range(COUNT - len(known)))
    return [*known, *mixed][:COUNT]


def _corpus() -> Iterator[str]:
    folder = files("biolord_export") / "data" / "verification"
    for name in ("general.txt", "names.txt", "passages.txt"):
        lines = folder.joinpath(name).read_text(encoding="utf-8").splitlines()
        yield from (line[:LONGEST] for line in lines[:700])


def _mixture(source: random.Random, words: list[str]) -> str:
    parts = []
    for _ in range(source.randint(0, 8)):
        kind = source.random()
        if kind < 0.45:
            parts.append(source.choice(words)[:60])
        elif kind < 0.9:
            low, high = source.choice(RANGES)
            parts.append("".join(chr(source.randint(low, high)) for _ in range(source.randint(1, 9))))
        else:
            parts.append(source.choice(SPECIALS))
        parts.append(source.choice(SPACES))
    return "".join(parts)
