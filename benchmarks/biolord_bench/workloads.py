"""Texts to measure with: generated the same everywhere from clinical word parts, or the lines of a file.

They stand for what users embed: names of concepts in bulk, queries that somebody types, passages of notes, and small
batches that mix them. They mean nothing; only their lengths and their vocabulary are lifelike.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable
from dataclasses import dataclass

from biolord_bench.results import WorkloadSize
from biolord_onnx.errors import InputError

GENERATED = ("names", "queries", "passages", "mixed")
GRID = "grid"
DEFAULT = (*GENERATED, GRID)
MIXED_TEXTS_A_CALL = 8


def _parts(text: str) -> tuple[str, ...]:
    return tuple(text.split("|"))


_ROOTS = _parts(
    "cardio|arthro|gastro|hepato|nephro|neuro|osteo|broncho|dermo|encephalo|angio|myo|cysto|adeno|chondro|"
    "colo|entero|hemo|laryngo|lympho|rhino|thrombo|tracheo|vasculo|pneumo"
)
_ENDINGS = _parts("pathy|itis|osis|algia|ectasia|plegia|sclerosis|malacia|megaly|stenosis|rrhagia|dysplasia|oma")
_GRADES = _parts("acute|chronic|recurrent|congenital|idiopathic|severe|mild|primary|secondary|bilateral|focal|diffuse")
_SITES = _parts(
    "left ventricle|right kidney|lumbar spine|upper lobe of lung|distal femur|cervical lymph node|small intestine|"
    "bile duct|optic nerve|coronary artery|thyroid gland|urinary bladder|mitral valve|frontal lobe|knee joint"
)
_CAUSES = _parts(
    "due to diabetes mellitus|following procedure|caused by staphylococcus|in pregnancy|without complication|"
    "with hypertension|in childhood|after trauma|of unknown cause|with fever"
)
_PLAIN = _parts(
    "chest pain|short of breath|rash on arm|itchy eyes|cat scratch|low blood sugar|knee swelling|high fever|"
    "heart attack|stroke symptoms|back pain|numb fingers|cough at night|weight loss|blurred vision|dry mouth"
)
_CIRCUMSTANCES = ("", " at night", " in a child", " since yesterday", " when walking", " and nausea")
_SENTENCES = (
    "The patient presented with {0} and was admitted for observation.",
    "On examination there was {0}, without signs of {1}.",
    "Past medical history includes {0} and {1}, treated conservatively.",
    "Imaging showed {0}; {1} could not be excluded.",
    "Laboratory results were consistent with {0}.",
    "She was discharged on metoprolol 50 mg twice daily and will be followed up for {0}.",
    "No evidence of {0} was found at the last visit in 2019.",
)
_SHORTEST_PASSAGE, _LONGEST_PASSAGE = 62, 300  # words, which are 100 to 500 tokens

Numbers = random.Random


@dataclass(frozen=True, slots=True)
class Workload:
    """Texts, and how they are encoded.

    Attributes:
        name: in results.
        texts: one or more.
        texts_a_call: how many go into one call of ``encode``; None is all.
    """

    name: str
    texts: tuple[str, ...]
    texts_a_call: int | None = None

    def size(self, tokens: int | None) -> WorkloadSize:
        """Describe it, with its number of tokens."""
        digest = hashlib.sha256("".join(f"{text}\n" for text in self.texts).encode()).hexdigest()
        return WorkloadSize(len(self.texts), tokens, digest)


def generate(name: str, count: int) -> Workload:
    """Generate a workload; the same name and count give the same texts everywhere.

    Args:
        name: one of `GENERATED`.
        count: how many texts.

    Raises:
        InputError: there is no such workload.
    """
    if name not in _MAKERS:
        raise InputError(f"there is no workload {name!r}, expected {', '.join(_MAKERS)} or {GRID}")
    # Of a seeded generator, Python promises the sequence of random() alone.
    numbers = random.Random(f"biolord bench {name}")
    # Different ones: equal texts are encoded once, which would flatter every figure.
    texts: dict[str, None] = {}
    while len(texts) < count:
        texts[_MAKERS[name](numbers)] = None
    return Workload(name, tuple(texts), MIXED_TEXTS_A_CALL if name == "mixed" else None)


def of_lines(name: str, lines: list[str]) -> Workload:
    """Make a workload of a file's lines, blank ones left out.

    Raises:
        InputError: there are none.
    """
    texts = tuple(line for line in lines if line.strip())
    if not texts:
        raise InputError(f"{name} has no text: give one text a line")
    return Workload(name, texts)


def _pick(numbers: Numbers, choices: tuple[str, ...]) -> str:
    return choices[int(numbers.random() * len(choices))]


def _term(numbers: Numbers) -> str:
    return _pick(numbers, _ROOTS) + _pick(numbers, _ENDINGS)


def _name(numbers: Numbers) -> str:
    cause = f" {_pick(numbers, _CAUSES)}" if numbers.random() < 0.15 else ""
    return (_finding(numbers) + cause).capitalize()


def _finding(numbers: Numbers) -> str:
    parts = [_term(numbers)]
    if numbers.random() < 0.45:
        parts.insert(0, _pick(numbers, _GRADES))
    if numbers.random() < 0.3:
        parts.append(f"of {_pick(numbers, _SITES)}")
    return " ".join(parts)


def _query(numbers: Numbers) -> str:
    kind = numbers.random()
    if kind < 0.6:
        return f"{_pick(numbers, _PLAIN)}{_pick(numbers, _CIRCUMSTANCES)}"
    return _finding(numbers)


def _passage(numbers: Numbers) -> str:
    wanted = _SHORTEST_PASSAGE + numbers.random() * (_LONGEST_PASSAGE - _SHORTEST_PASSAGE)
    sentences: list[str] = []
    words = 0
    while words < wanted:
        sentence = _pick(numbers, _SENTENCES).format(_name(numbers).lower(), _name(numbers).lower())
        words += len(sentence.split())
        sentences.append(sentence)
    return " ".join(sentences)


def _mixed(numbers: Numbers) -> str:
    kind = numbers.random()
    if kind < 0.5:
        return _name(numbers)
    return _query(numbers) if kind < 0.8 else _passage(numbers)


_MAKERS: dict[str, Callable[[Numbers], str]] = {
    "names": _name,
    "queries": _query,
    "passages": _passage,
    "mixed": _mixed,
}
