"""The texts that come with the exporter: some to calibrate on, others to measure fidelity on."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING

from biolord_export.errors import ExportError
from biolord_onnx.io.formats import refuse_structure
from biolord_onnx.io.lines import lines
from biolord_onnx.io.rows import is_blank

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from biolord_onnx.encoding.texts import TextPair

CALIBRATION_KINDS = ("names", "sentences", "passages", "general")
MEDICAL_KINDS = ("names", "passages")
PAIRS = "pairs"
VERIFICATION_KINDS = (*MEDICAL_KINDS, "general")
FEWEST_TEXTS = 50
"""Fewer calibration texts leave ranges and covariances to chance."""


@dataclass(frozen=True, slots=True)
class Corpus:
    """Calibration texts, and where they came from."""

    texts: tuple[str, ...]
    origin: str

    def sha256(self) -> str:
        """Hash the texts in order."""
        return hashlib.sha256("\n".join(self.texts).encode()).hexdigest()


def builtin_calibration() -> Corpus:
    """Return the calibration texts that the project wrote: names, sentences, notes, and some outside medicine."""
    texts = [text for kind in CALIBRATION_KINDS for text in _builtin("calibration", kind)]
    return Corpus(tuple(texts), "built-in")


def read_calibration(path: Path) -> Corpus:
    """Read calibration texts from a UTF-8 file, one per line; empty lines are left out.

    Raises:
        InputError: The file is no text a line, or not UTF-8.
        ExportError: It can't be read, or has too few texts.
    """
    texts = read_lines(path)
    if len(texts) < FEWEST_TEXTS:
        raise ExportError(f"{path} has {len(texts)} calibration texts, at least {FEWEST_TEXTS} are needed: add some")
    return Corpus(tuple(texts), path.name)


def builtin_verification() -> dict[str, tuple[str, ...]]:
    """Return the texts that fidelity is measured on, by kind; none of them is a calibration text."""
    return {kind: tuple(_builtin("verification", kind)) for kind in VERIFICATION_KINDS}


def neighboring_pairs(texts: Sequence[str]) -> list[tuple[str, str]]:
    """Pair every other text with the one behind it, which is often of its kind."""
    return list(zip(texts[::2], texts[1::2], strict=False))


def verification_inputs(*, pairs: bool) -> dict[str, Sequence[str | TextPair]]:
    """Return what `builtin_verification` does, and if asked for, pairs of them: a name and a passage."""
    texts = builtin_verification()
    inputs: dict[str, Sequence[str | TextPair]] = {**texts}
    return inputs | {PAIRS: list(zip(texts["names"], texts["passages"], strict=False))} if pairs else inputs


def golden_texts() -> tuple[str, ...]:
    """Return texts of many lengths and kinds, whose vectors an artifact remembers to the bit."""
    return tuple(json.loads(_read("golden.json")))


def read_lines(path: Path) -> list[str]:
    """Read the lines of a UTF-8 file that aren't empty, without spaces at their ends; gzip may have compressed it.

    Raises:
        InputError: The file is a table, an archive or the like, or a line isn't UTF-8: names the line.
        ExportError: The file can't be read.
    """
    name = str(path)
    try:
        refuse_structure(name, name)
        return [line.strip() for line in lines(name, name) if not is_blank(line)]
    except OSError as error:
        raise ExportError(f"{path} can't be read ({error.strerror}): give a text file") from error


def _builtin(folder: str, kind: str) -> list[str]:
    return _read(folder, f"{kind}.txt").splitlines()


def _read(*place: str) -> str:
    return files("biolord_export").joinpath("data", *place).read_text(encoding="utf-8")
