"""Names of columns in files of UMLS and RxNorm, which have no header."""

from __future__ import annotations

from pathlib import Path

_NAMES = {
    "mrconso.rrf": "CUI LAT TS LUI STT SUI ISPREF AUI SAUI SCUI SDUI SAB TTY CODE STR SRL SUPPRESS CVF",
    "rxnconso.rrf": "RXCUI LAT TS LUI STT SUI ISPREF RXAUI SAUI SCUI SDUI SAB TTY CODE STR SRL SUPPRESS CVF",
}


def column_names(name: str, count: int) -> list[str]:
    """Return what the columns of a file without a header are called.

    Args:
        name: Of the file.
        count: Of its columns.

    Returns:
        Their names if it is a known file of as many columns, else their numbers from 0.
    """
    known = _NAMES.get(Path(name.lower().removesuffix(".gz")).name, "").split()
    return known if len(known) == count else [str(number) for number in range(count)]
