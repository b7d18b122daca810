"""The license notice that goes with every artifact."""

from __future__ import annotations

NOTICE = (
    "This artifact holds the converted weights of {id}, which stay under that checkpoint's license. If it is a BioLORD "
    "checkpoint: its author's contributions are under the MIT license, but it was trained on the UMLS Metathesaurus "
    "and SNOMED CT, so you need a license for both before you use it (free of charge in most countries: "
    "https://www.nlm.nih.gov/databases/umls.html). biolord-onnx itself ships no weights."
)


def license_notice(checkpoint_id: str) -> str:
    """Return the notice for an artifact of this checkpoint."""
    return NOTICE.format(id=checkpoint_id)
