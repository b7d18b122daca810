"""The license notice."""

from __future__ import annotations

from biolord_export.artifact.notice import license_notice


def test_the_notice_names_the_checkpoint_and_the_licenses() -> None:
    """Whoever gets the artifact learns whose weights these are and what else is needed."""
    notice = license_notice("FremyCompany/BioLORD-2023")
    for words in ("FremyCompany/BioLORD-2023", "MIT", "UMLS", "SNOMED CT", "https://", "ships no weights"):
        assert words in notice


def test_the_notice_is_one_line() -> None:
    """It is printed once, and stands in a JSON string."""
    assert "\n" not in license_notice("x")


def test_braces_in_a_folders_name_are_kept() -> None:
    """A folder may be called anything."""
    assert "of {0}{id}," in license_notice("{0}{id}")
