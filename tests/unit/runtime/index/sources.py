"""A small vocabulary in Athena's layout, and what is made of it."""

from __future__ import annotations

from pathlib import Path

from biolord_onnx.index.building.vocabulary import Synonyms, Vocabulary

CONCEPTS = (
    ("1", "Fever", "Condition", "S"),
    ("2", "Cat", "Animal", "S"),
    ("3", "Dog", "Animal", "S"),
    ("4", "Dog bite", "Condition", "S"),
    ("5", "Heart", "Body", "C"),
)
SYNONYMS = (("2", "Felis"), ("2", "Cat"), ("9", "Nobody"), ("4", "Bite of the dog"))


def write_athena(folder: Path) -> tuple[Path, Path]:
    """Write CONCEPT.csv and CONCEPT_SYNONYM.csv, with tabs as Athena does."""
    concepts, synonyms = folder / "CONCEPT.csv", folder / "CONCEPT_SYNONYM.csv"
    header = "concept_id\tconcept_name\tdomain_id\tstandard_concept\n"
    concepts.write_text(header + "".join("\t".join(row) + "\n" for row in CONCEPTS), "utf-8")
    header = "concept_id\tconcept_synonym_name\n"
    synonyms.write_text(header + "".join("\t".join(row) + "\n" for row in SYNONYMS), "utf-8")
    return concepts, synonyms


def athena(folder: Path, *, keep: tuple[str, ...] = ("domain_id",)) -> Vocabulary:
    """Give the vocabulary, without what isn't standard."""
    concepts, synonyms = write_athena(folder)
    return Vocabulary(
        str(concepts),
        "concept_name",
        "concept_id",
        keep,
        {"standard_concept": "S"},
        synonyms=Synonyms(str(synonyms), "concept_id", "concept_synonym_name"),
    )
