"""Measure what a kept vocabulary costs: coverage and fidelity against the checkpoint with all of its tokens."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING

from biolord_export.checkpoint.architectures import read_weights
from biolord_export.corpus import builtin_verification
from biolord_export.scratch import beside
from biolord_export.verification.measure import compare_encoders, unit_vectors
from biolord_export.vocabulary.pruning import YOURS, measure_coverage
from biolord_onnx.embedder import Embedder

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from biolord_export.checkpoint.source import Checkpoint
    from biolord_onnx.artifact.json_fields import JSONObject

MOST_TEXTS = 1000
"""The user's texts that are embedded, at even distances."""


def measure_vocabulary(draft: Path, checkpoint: Checkpoint, write_reference: Callable[..., None]) -> JSONObject:
    """Compare a draft with the float32 graph of the whole vocabulary.

    Args:
        draft: The artifact's folder.
        checkpoint: Its checkpoint, some of its vocabulary kept.
        write_reference: Writes the float32 artifact of a checkpoint and its weights into a folder.

    Returns:
        What the manifest tells of the vocabulary.

    Raises:
        ValueError: The checkpoint has all of its vocabulary.
    """
    kept = checkpoint.vocabulary
    if kept is None:
        raise ValueError("the whole vocabulary is kept, there is nothing to compare with")
    texts = builtin_verification()
    coverage = [measure_coverage(kept.whole_tokenizer, kept.ids, kind, some) for kind, some in texts.items()]
    every = max(1, len(kept.texts.texts) // MOST_TEXTS)
    compared = {YOURS: kept.texts.texts[::every], **texts}
    whole = replace(checkpoint, tokenizer_json=kept.whole_tokenizer, vocabulary=None)
    with beside(draft) as folder:
        write_reference(folder, checkpoint=whole, weights=read_weights(whole.config, whole.weights))
        with (
            Embedder.load(draft, verify_hashes=False) as found,
            Embedder.load(folder, verify_hashes=False) as exact,
        ):
            groups = compare_encoders(unit_vectors(found), unit_vectors(exact), compared)
    record = replace(kept, coverage=(*kept.coverage, *coverage)).to_json()
    return {**record, "fidelity_to_whole": [asdict(group) for group in groups]}
