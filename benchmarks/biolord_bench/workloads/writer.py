"""Writes texts of the lengths that users have, the same on every machine.

Names are of concepts as in HPO, SNOMED CT or ICD-10-CM (9 tokens on average, 30 at most), definitions are sentences of
10 to 130 tokens (33 on average), passages have about 240 tokens, and requests hold 8 texts of any of these kinds.

Slow tools encode only the first texts of a workload. Lengths therefore follow a low-discrepancy sequence: every
prefix has nearly the same distribution of lengths as the whole.
"""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from pathlib import Path

NAMES, DEFINITIONS, PASSAGES, REQUESTS = 5000, 500, 50, 40
REQUEST_SIZE = 8
CALIBRATION_TEXTS = 400

WORDS: dict[str, list[str]] = json.loads(Path(__file__).with_name("words.json").read_text(encoding="utf-8"))
"""Lists that texts are put together from. Written for this purpose; nothing in them is a patient's."""
_GOLDEN = 0.6180339887498949
_TOKENS_PER_WORD = 1.36  # of these word lists with all-mpnet-base-v2, special tokens apart


class _Writer:
    """Draws words; only `Random.random` is used, whose sequence Python promises to keep."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def pick(self, kind: str) -> str:
        return WORDS[kind][int(self._random.random() * len(WORDS[kind]))]

    def chance(self, probability: float) -> bool:
        return self._random.random() < probability

    def name(self) -> str:
        """Write a concept name."""
        words = [self.pick("courses")] if self.chance(0.55) else []
        words += [self.pick("sites")] if self.chance(0.7) else []
        words.append(self.pick("conditions"))
        if self.chance(0.22):
            words += ["due to", self.pick("causes")]
        text = " ".join(words)
        if self.chance(0.15):
            text = f"{text}, {self.pick('qualifiers')}"
        return text[0].upper() + text[1:] if self.chance(0.5) else text

    def clause(self) -> str:
        """Write a part of a sentence."""
        if self.chance(0.45):
            return f"{self.pick('people')} {self.pick('events')}"
        if self.chance(0.5):
            condition = f"{self.pick('courses')} {self.pick('sites')} {self.pick('conditions')}"
            return f"{condition} was treated with {self.pick('drugs')}"
        return f"examination showed {self.pick('findings')} and {self.pick('findings')}"

    def prose(self, tokens: float) -> str:
        """Write sentences of about so many tokens."""
        limit = max(3, round((tokens - 2) / _TOKENS_PER_WORD))
        words: list[str] = []
        while len(words) < limit:
            link = f" {self.pick('links')} {self.clause()}" if self.chance(0.5) else ""
            sentence = f"{self.clause()}{link}."
            words += (sentence[0].upper() + sentence[1:]).split()
        return " ".join(words[:limit])


def names(count: int = NAMES, seed: int = 1) -> tuple[str, ...]:
    """Write distinct concept names."""
    writer, found = _Writer(seed), dict[str, None]()
    while len(found) < count:
        found[writer.name()] = None
    return _evenly(tuple(found))


def definitions(count: int = DEFINITIONS, seed: int = 2) -> tuple[str, ...]:
    """Write distinct sentences of 10 to 130 tokens, the short ones being the more frequent."""
    writer, found = _Writer(seed), dict[str, None]()
    while len(found) < count:
        found[writer.prose(12 + 106 * _spread(len(found)) ** 4)] = None
    return tuple(found)


def passages(count: int = PASSAGES, seed: int = 3, tokens: float = 240) -> tuple[str, ...]:
    """Write passages of about ``tokens`` tokens, a tenth more or less."""
    writer = _Writer(seed)
    return tuple(writer.prose(tokens * (0.9 + 0.2 * _spread(index))) for index in range(count))


def requests(count: int = REQUESTS, seed: int = 4) -> tuple[str, ...]:
    """Write the texts of small requests: six names, a sentence and a paragraph each."""
    writer = _Writer(seed)
    texts: list[str] = []
    for _ in range(count):
        texts += [*(writer.name() for _ in range(REQUEST_SIZE - 2)), writer.prose(35), writer.prose(120)]
    return tuple(texts)


def calibration_texts(count: int = CALIBRATION_TEXTS, seed: int = 11) -> tuple[str, ...]:
    """Write texts of the same kinds, but others than the measured ones, to calibrate a peer's quantization with."""
    measured = {*names(), *definitions()}
    short = [text for text in names(count, seed) if text not in measured]
    long = [text for text in definitions(count, seed + 1) if text not in measured]
    return tuple(text for pair in zip(short, long, strict=False) for text in pair)[:count]


def _evenly(texts: Sequence[str]) -> tuple[str, ...]:
    """Order texts so that every prefix has the lengths of the whole; else distinct names would grow longer."""
    by_length = sorted(texts, key=len)
    places = sorted(range(len(texts)), key=_spread)
    return tuple(text for _, text in sorted(zip(places, by_length, strict=True)))


def _spread(index: int) -> float:
    """Return the index-th number of a sequence that fills [0, 1) evenly from its first numbers on."""
    return (0.5 + index * _GOLDEN) % 1.0
