"""The files of an index, and how they are opened: mapped, next to nothing of them is read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from biolord_onnx.errors import ArtifactError
from biolord_onnx.index.files import CODES, FIGURES, HIGH, LOW, NAMES, check_files, column_name
from biolord_onnx.index.hits import Hit
from biolord_onnx.index.manifest import REMEDY, IndexManifest, ManifestDocument, read_index_manifest
from biolord_onnx.index.packing import (
    DIM_MULTIPLE,
    HIGH_LARGEST,
    LARGEST,
    PANEL_DIMS,
    PANEL_ROWS,
    ROW_MULTIPLE,
    High,
    Low,
    Vectors,
    filled,
    from_panels,
    restore,
)
from biolord_onnx.index.tables.column import Codes, Column
from biolord_onnx.index.tables.mapping import mapped
from biolord_onnx.index.tables.names import Names

# Rows of the figures; there are no errors where the low bits aren't kept: what is stored is the high bits.
STEPS, SUMS, ERRORS = range(3)
# Of vectors of length 1, and a little for rounding.
_LARGEST_STEP = 1.01 / LARGEST
_LONGEST_ERROR = 1.01


@dataclass(frozen=True, slots=True)
class StoredVectors:
    """The vectors of an index.

    Attributes:
        high: int8 [filled rows/16, filled dim/4, 16, 4].
        low: int16 [rows, dim]; None if it wasn't kept.
        figures: float32 [3, filled rows]: steps, sums of the high parts, errors that are left without the low ones;
            [2, filled rows] where these aren't kept.
        rows: How many there are.
        dim: Numbers of a vector.
    """

    high: High
    low: Low | None
    figures: NDArray[np.float32]
    rows: int
    dim: int

    def restored(self, rows: NDArray[np.int64]) -> Vectors:
        """Return the vectors of some rows, float32 [len(rows), dim]."""
        low = None if self.low is None else self.low[rows]
        return restore(from_panels(self.high, rows, self.dim), low, self.figures[STEPS, rows])


@dataclass(frozen=True, slots=True)
class IndexFolder:
    """An index folder that passed the checks.

    Attributes:
        path: As it was given.
        manifest: Of it.
        fingerprint: SHA-256 of the manifest, which names the hashes of all files.
        vectors: Of all names.
        names: Of the index.
        codes: Of the names; None where they have none.
        columns: That are kept, by their names.
    """

    path: Path
    manifest: IndexManifest
    fingerprint: str
    vectors: StoredVectors
    names: Names
    codes: Codes | None
    columns: dict[str, Column]

    def hit(self, row: int, score: float, *, exact: bool) -> Hit:
        """Read what belongs to a row.

        Raises:
            ArtifactError: A file holds something else than was written.
        """
        try:
            code = None if self.codes is None else self.codes[row]
            kept = {name: column[row] for name, column in self.columns.items()}
            return Hit(code, self.names.texts[row], score, row, exact, kept)
        except IndexError as error:
            raise ArtifactError(
                f"{self.path}: it has no row {row}, a file is damaged: copy the folder again"
            ) from error


def open_folder(path: Path | str, *, verify_hashes: bool = False) -> IndexFolder:
    """Check an index folder and map its files.

    Args:
        path: Of the folder.
        verify_hashes: Read all files, and compare their SHA-256 with the manifest's.

    Raises:
        ArtifactError: The folder is no index, a damaged one, or of a later format.
    """
    folder = Path(path)
    document = read_index_manifest(folder)
    while True:
        try:
            return _opened(folder, document, verify_hashes=verify_hashes)
        except ArtifactError:
            # Another index may have taken its place meanwhile.
            now = read_index_manifest(folder)
            if now.fingerprint == document.fingerprint:
                raise
            document = now


def _opened(folder: Path, document: ManifestDocument, *, verify_hashes: bool) -> IndexFolder:
    manifest = document.manifest
    try:
        check_files(folder, manifest, verify_hashes=verify_hashes)
        opened = _mapped(folder, manifest, document.fingerprint, folder / manifest.data)
    except (OSError, ValueError) as error:
        raise ArtifactError(f"{folder}: its files don't fit its manifest ({error}): {REMEDY}") from error
    _check_figures(folder, opened.vectors)
    return opened


def _check_figures(folder: Path, vectors: StoredVectors) -> None:
    """Refuse figures that no vectors of length 1 have: rows would be missed, or stand in front, in silence."""
    steps, sums, *errors = vectors.figures
    within = steps.min() >= 0 and steps.max() <= _LARGEST_STEP and np.abs(sums).max() <= HIGH_LARGEST * vectors.dim
    if not (within and all(some.min() >= 0 and some.max() <= _LONGEST_ERROR for some in errors)):
        raise ArtifactError(f"{folder}: the figures of its vectors are damaged: copy the folder again, or {REMEDY}")


def _mapped(folder: Path, manifest: IndexManifest, fingerprint: str, data: Path) -> IndexFolder:
    rows, codes = manifest.counts.rows, manifest.counts.codes
    return IndexFolder(
        folder,
        manifest,
        fingerprint,
        map_vectors(data, rows, manifest.dim, low=manifest.rescore),
        Names(data, NAMES, rows),
        None if codes is None else Codes(data, CODES, rows, codes),
        {
            column.name: Column(data, column_name(number), rows, column.values)
            for number, column in enumerate(manifest.columns)
        },
    )


def map_vectors(data: Path, rows: int, dim: int, *, low: bool) -> StoredVectors:
    """Map the vectors of an index."""
    full_rows, full_dim = filled(rows, ROW_MULTIPLE), filled(dim, DIM_MULTIPLE)
    panels = (full_rows // PANEL_ROWS, full_dim // PANEL_DIMS, PANEL_ROWS, PANEL_DIMS)
    return StoredVectors(
        mapped(data / HIGH, "<i1", panels),
        mapped(data / LOW, "<i2", (rows, dim)) if low else None,
        mapped(data / FIGURES, "<f4", (3 if low else 2, full_rows)),
        rows,
        dim,
    )
