"""The licence notice that goes with every artefact."""

from __future__ import annotations

NOTICE = (
    "This artefact holds the converted weights of {id}, which stay under that checkpoint's licence. If it is a BioLORD "
    "checkpoint: its author's contributions are under the MIT licence, but it was trained on the UMLS Metathesaurus "
    "and SNOMED CT, so you need a licence for both before you use it (free of charge in most countries: "
    "https://www.nlm.nih.gov/databases/umls.html). biolord-onnx itself ships no weights."
)


def licence_notice(checkpoint_id: str) -> str:
    """Return the notice for an artefact of this checkpoint."""
    return NOTICE.format(id=checkpoint_id)
