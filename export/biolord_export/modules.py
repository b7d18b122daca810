"""The module list of a sentence-transformers checkpoint: what happens after the encoder."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from biolord_export.config import read_json_object
from biolord_export.errors import CheckpointError

if TYPE_CHECKING:
    from pathlib import Path

    from biolord_export.config import JsonObject

POOLING_MODES = ("mean", "cls")
LIBRARY = "sentence_transformers"
"""The package whose modules the exporter knows."""
LEGACY_MODES = {
    "pooling_mode_cls_token": "cls",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_mean_sqrt_len_tokens": "mean_sqrt_len_tokens",
    "pooling_mode_weightedmean_tokens": "weightedmean",
    "pooling_mode_lasttoken": "lasttoken",
}
"""The switches that sentence-transformers wrote before version 5, and the mode each turns on."""


@dataclass(frozen=True)
class Pooling:
    """How token vectors become a text's vector: ``mean`` or ``cls``, and whether it is scaled to length 1."""

    mode: str
    normalize: bool


@dataclass(frozen=True)
class Modules:
    """The module list: the folder with the encoder's files, the pooling, and which file said so."""

    encoder: Path
    pooling: Pooling
    source: str


def read_modules(folder: Path, pooling: str | None = None) -> Modules:
    """Read the module list of a checkpoint folder.

    A folder without ``modules.json`` is a plain transformers checkpoint, which sentence-transformers pools by mean.

    Args:
        folder: The checkpoint.
        pooling: ``mean`` or ``cls`` to overrule the checkpoint's own.

    Raises:
        CheckpointError: A module or the pooling isn't supported, or a file is broken.
    """
    if pooling is not None and pooling not in POOLING_MODES:
        raise CheckpointError(f"pooling is {pooling!r}, the exporter knows {' and '.join(POOLING_MODES)}")
    path = folder / "modules.json"
    if not path.exists():
        return Modules(folder, Pooling(pooling or "mean", normalize=False), "no modules.json")
    entries = _read_list(path)
    kinds = [_kind(entry, path) for entry in entries]
    if kinds not in (["Transformer", "Pooling"], ["Transformer", "Pooling", "Normalize"]):
        raise CheckpointError(
            f"{path} lists the modules {', '.join(kinds) or 'none'}; "
            "the exporter knows Transformer, Pooling and an optional Normalize, in this order"
        )
    mode = pooling or _pooling_mode(folder / _place(entries[1], path) / "config.json")
    return Modules(folder / _place(entries[0], path), Pooling(mode, "Normalize" in kinds), "modules.json")


def _read_list(path: Path) -> list[JsonObject]:
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError, RecursionError) as error:
        raise CheckpointError(f"{path} is not readable JSON ({error}): download it again") from error
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise CheckpointError(f"{path} is not a list of objects: download it again")
    return entries


def _kind(entry: JsonObject, path: Path) -> str:
    kind = entry.get("type")
    if not isinstance(kind, str):
        raise CheckpointError(f"{path}: a module's type is {kind!r}, expected a class name")
    # A class of the same name from elsewhere, as in checkpoints with code of their own, may compute anything.
    return kind.rpartition(".")[2] if kind.startswith(f"{LIBRARY}.") else kind


def _place(entry: JsonObject, path: Path) -> str:
    place = entry.get("path", "")
    if not isinstance(place, str) or place.startswith("/") or ".." in place.split("/"):
        raise CheckpointError(f"{path}: a module's path is {place!r}, expected a folder inside the checkpoint")
    return place


def _pooling_mode(path: Path) -> str:
    values = read_json_object(path)
    switched_on = [mode for key, mode in LEGACY_MODES.items() if values.get(key) is True]
    stated = values.get("pooling_mode", switched_on or "mean")  # the library's own default
    modes = stated if isinstance(stated, list) else [stated]
    if len(modes) != 1 or modes[0] not in POOLING_MODES:
        found = " + ".join(map(str, modes)) or "nothing"
        raise CheckpointError(
            f"{path} pools by {found}, the exporter knows {' and '.join(POOLING_MODES)}: choose one with --pooling"
        )
    return str(modes[0])
