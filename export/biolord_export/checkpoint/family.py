"""The five BioLORD checkpoints: what is known of each, and what of it was run with this exporter.

Files, limits and sizes are those of the hub's pages; the weights of none of the five were at hand when this was
written, so nothing here says more than that a layout is read as sentence-transformers reads it.
"""

from __future__ import annotations

from dataclasses import dataclass

LICENSE = "author's part MIT; made from UMLS and SNOMED CT, whose licenses its users need"
LAYOUT_TESTED = (
    "its files' layout, small and with random weights: token ids and vectors equal to sentence-transformers 5.7 on the "
    "same folder"
)
BASE_MEASURED = (
    "; the base model all-mpnet-base-v2, of the same architecture and size: fidelity, speed and memory; "
    "its own weights: not run"
)
MULTILINGUAL_MEASURED = (
    "; full size with random weights: sizes, memory and time of an export, cpu-int8; its own weights: not run"
)


@dataclass(frozen=True, slots=True)
class FamilyModel:
    """A checkpoint of the family.

    Attributes:
        id: On the hub.
        revision: One to export where main has no model.safetensors; None for main.
        languages: That its card names.
        parameters: In millions.
        megabytes: Of its float32 weights.
        max_length: Tokens of a text that sentence-transformers doesn't cut.
        max_length_source: The file that says so.
        license: In short; the hub's card has the whole text.
        verified: What was run with this exporter, and on what.
    """

    id: str
    revision: str | None
    languages: str
    parameters: int
    megabytes: int
    max_length: int
    max_length_source: str
    license: str
    verified: str


FAMILY = (
    FamilyModel(
        id="FremyCompany/BioLORD-2023",
        revision=None,
        languages="en",
        parameters=109,
        megabytes=438,
        max_length=128,
        max_length_source="sentence_bert_config.json",
        license=LICENSE,
        verified=LAYOUT_TESTED + BASE_MEASURED,
    ),
    FamilyModel(
        id="FremyCompany/BioLORD-2023-C",
        revision=None,
        languages="en",
        parameters=109,
        megabytes=438,
        max_length=512,
        max_length_source="tokenizer_config.json (without modules.json, sentence_bert_config.json doesn't count)",
        license=LICENSE,
        verified=LAYOUT_TESTED + BASE_MEASURED,
    ),
    FamilyModel(
        id="FremyCompany/BioLORD-2023-S",
        revision="refs/pr/1",
        languages="en",
        parameters=109,
        megabytes=438,
        max_length=512,
        max_length_source="config.json or tokenizer_config.json (there is no modules.json); not seen on the hub",
        license=LICENSE,
        verified=LAYOUT_TESTED + BASE_MEASURED,
    ),
    FamilyModel(
        id="FremyCompany/BioLORD-2023-M",
        revision=None,
        languages="en es fr de nl da sv, and 50 more unofficially",
        parameters=278,
        megabytes=1112,
        max_length=64,
        max_length_source="sentence_bert_config.json",
        license=LICENSE,
        verified=LAYOUT_TESTED + MULTILINGUAL_MEASURED,
    ),
    FamilyModel(
        id="FremyCompany/BioLORD-STAMB2-v1",
        revision="refs/pr/1",
        languages="en",
        parameters=109,
        megabytes=438,
        max_length=512,
        max_length_source="tokenizer_config.json (there is no modules.json)",
        license="author's part MIT; made from UMLS, whose license its users need",
        verified=LAYOUT_TESTED + BASE_MEASURED,
    ),
)
"""Oldest last; main of those with a revision has pytorch_model.bin alone."""
