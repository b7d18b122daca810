"""Texts to compare on: the project's own verification corpus, and strings that break tokenizers."""

from __future__ import annotations

from importlib.resources import files

HOSTILE = (
    "",
    " ",
    "\t\n\r\x0b\x0c",
    "\x00",
    "fever\x00cough",
    "\x01\x1b[31mred\x7f",
    "🤒",
    "👩🏽‍⚕️ examined 👨‍👩‍👧‍👦 and 🏳️‍🌈",
    "a\u0301e\u0308\u0323o\u0302\u0303",
    "\u0301",
    "\u0308 \u0327\u0301",
    "e" + "\u0301" * 300,
    "Z̸̡̢a̴͜͠l̶̛͝g̵̨͘o̷͢͝",
    "café vs cafe\u0301",
    "التهاب رئوي حاد",
    "דלקת ריאות",
    "\u202efever\u202c \u200fabc\u200e",
    "急性肺炎を伴う糖尿病",
    "당뇨병성 신증",
    "ภาวะหัวใจล้มเหลว",
    "क्षय रोग",
    "[MASK]",
    "the [MASK] of the wound, [mask], [ MASK ]",
    "</s>",
    "<s> a </s> b </s>",
    "<pad>",
    "a <pad> b <pad><pad> c [PAD] d",
    "[CLS] a [SEP] b [UNK] <unk>",
    "x <mask> y   <mask>z",
    "[unused0] [unused99]",
    "zero\u200bwidth\u200cspaces\u200dand\ufeffmarks\u2060",
    "\u200d",
    "soft\u00adhyphen non\u00a0breaking\u202fspace ideographic\u3000space",
    "İstanbul ıI ß ẞ ﬁ ǅ Ω Ω",
    "½ ² ₂ ㎎ ℃ ｆｕｌｌ　ｗｉｄｔｈ",
    "\ufffd \uffff \U0010ffff \ue000",
    "𝔣𝔢𝔳𝔢𝔯 𝒸𝑜𝓊𝑔𝒽",
    "##itis ##",
    "don't 5'-UTR p.Gly12Asp c.35delG",
    "CRP<5mg/l;WBC=11.2x10^9/L|Hb:9,1",
    "x" * 100,
    "x" * 101,
    "pneumonia" * 40,
    "q" * 10_000,
    "fever and cough " * 625,
    "?!" * 5_000,
    "\u0301" * 10_000,
    "病" * 10_000,
)


def names(count: int) -> list[str]:
    """The first short names of the verification corpus."""
    return _lines("names.txt")[:count]


def passages(count: int) -> list[str]:
    """The first passages of the verification corpus."""
    return _lines("passages.txt")[:count]


def _lines(name: str) -> list[str]:
    path = files("biolord_export").joinpath("data", "verification", name)
    return [line for line in path.read_text(encoding="utf-8").splitlines() if line]
