"""Makes the golden files anew: `make golden`. Needs the oracle's environment and the reference weights.

Do it when the texts or the oracle's pinned versions change, and look at what moved before committing it.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np

from biolord_export.demo.models import REFERENCES, reference_model
from golden.store import MODELS, Golden, golden_file, load_golden, save_golden
from golden.texts import TEXTS
from oracle.client import Oracle, oracle_python


def make(model: str, oracle: Oracle) -> Golden:
    """Ask the oracle, one text at a time, so that no padding has a say."""
    answer = oracle(reference_model(model), TEXTS, batch_size=1)
    if answer.max_length is None:
        raise ValueError(f"{model} states no length limit")
    return Golden(
        model=model,
        weights_sha256=REFERENCES[model].files["model.safetensors"],
        max_length=answer.max_length,
        texts=TEXTS,
        versions=answer.versions,
        vectors=answer.vectors,
        token_ids=answer.token_ids,
    )


def moved(old: Golden, new: Golden) -> str:
    """Say how far the vectors moved, in one line."""
    if old.texts != new.texts:
        return "the texts changed"
    return f"largest difference to the file before: {np.abs(old.vectors - new.vectors).max():.2e}"


def main() -> None:
    """Write one file a model and report what moved."""
    with tempfile.TemporaryDirectory() as cache:
        oracle = Oracle(oracle_python(), Path(cache))
        for model in MODELS:
            new = make(model, oracle)
            path = golden_file(model)
            change = moved(load_golden(model), new) if path.exists() else "new"
            save_golden(new, path)
            sys.stderr.write(f"{path.name}: {change}\n")


if __name__ == "__main__":
    main()
