"""From nothing to biomedical vectors: get a checkpoint, export it, look for names near a few queries.

Run it with ``make demo``. BioLORD-2023 is taken from the hub; where that can't be reached, its base model stands in,
which is of the same architecture and size but knows less medicine.
"""

from __future__ import annotations

import sys
import time
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from biolord_export.checkpoint.source import open_checkpoint
from biolord_export.cli.export import say
from biolord_export.cli.tables import fidelity_table
from biolord_export.demo.models import reference_model
from biolord_export.errors import CheckpointError
from biolord_export.pipeline import ExportOptions, export_artifact
from biolord_export.targets import find_target
from biolord_export.verification.fidelity import FidelityReport
from biolord_onnx.artifact.folder import open_artifact
from biolord_onnx.embedder import Embedder
from biolord_onnx.errors import ArtifactError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from biolord_export.checkpoint.source import Checkpoint
    from biolord_onnx.artifact.folder import Artifact

HUB_MODEL = "FremyCompany/BioLORD-2023"
STAND_IN = "all-mpnet-base-v2"
TARGET = "cpu-int8"
FOLDER = Path("demo")
QUERIES = (
    "cat scratch injury",
    "high blood pressure in pregnancy",
    "can't catch my breath when lying flat",
    "low blood sugar",
)
SHOWN = 3


def main(folder: Path = FOLDER) -> int:
    """Run the demo; its artifact stays in ``folder``, so that a second run takes seconds."""
    folder.mkdir(exist_ok=True)
    artifact = _obtain(_find_checkpoint(), folder)
    if artifact.manifest.fidelity:
        print(fidelity_table(FidelityReport.from_json(artifact.manifest.fidelity, str(artifact.path))))
    names = files("biolord_export").joinpath("data", "demo_names.txt").read_text(encoding="utf-8").splitlines()
    _search(artifact, names)
    print(f'\nGo on with:\n  biolord embed {artifact.path} "Cat scratch injury"\n  biolord info {artifact.path}')
    return 0


def _find_checkpoint() -> Checkpoint:
    try:
        return open_checkpoint(HUB_MODEL)
    except CheckpointError as error:
        say(f"{error}")
        say(f"{STAND_IN}, the base model of BioLORD-2023, stands in: these vectors are not BioLORD's")
        return open_checkpoint(str(reference_model(STAND_IN)))


def _obtain(checkpoint: Checkpoint, folder: Path) -> Artifact:
    """Open the artifact of an earlier run, or export it."""
    out = folder / f"{checkpoint.place.id.rpartition('/')[2]}-{TARGET}"
    if out.exists():
        try:
            artifact = open_artifact(out)
        except ArtifactError as error:
            say(f"{error}; exporting it again")
        else:
            if artifact.manifest.source.weights == checkpoint.weights_sha256():
                return artifact
            say(f"{out} was made from other weights; exporting it again")
    started = time.monotonic()
    exported = export_artifact(checkpoint, out, ExportOptions(find_target(TARGET), force=True), say)
    say(exported.manifest.license)
    print(f"exported {out} in {time.monotonic() - started:.0f} s\n")
    return open_artifact(out)


def _search(artifact: Artifact, names: Sequence[str]) -> None:
    started = time.perf_counter()
    with Embedder.load(artifact.path, verify_hashes=False) as embedder:
        loaded = time.perf_counter()
        vectors = embedder.encode(names, normalize=True)
        embedded = time.perf_counter()
        print(
            f"\nloaded in {1000 * (loaded - started):.0f} ms, "
            f"{len(names)} names embedded in {1000 * (embedded - loaded):.0f} ms on {embedder.threads} threads"
        )
        for query in QUERIES:
            asked = time.perf_counter()
            scores = vectors @ embedder.encode(query, normalize=True)
            print(f"\n{query}  ({1000 * (time.perf_counter() - asked):.1f} ms)")
            for row in (-scores).argsort()[:SHOWN]:
                print(f"  {scores[row]:.3f}  {names[row]}")


if __name__ == "__main__":
    sys.exit(main())
