"""The module list of a sentence-transformers checkpoint: what happens after the encoder."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from biolord_export.checkpoint.config import read_int, read_json_object
from biolord_export.checkpoint.known_keys import Key, check_keys, shown
from biolord_export.errors import CheckpointError

if TYPE_CHECKING:
    from pathlib import Path

    from biolord_export.checkpoint.config import JsonObject

MODULES_FILE = "modules.json"
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
WIDTHS = ("embedding_dimension", "word_embedding_dimension")
"""What the pooling's input is called, since version 5 and before."""
POOLING_KEYS = {
    **dict.fromkeys(WIDTHS, Key("compared with config.json")),
    **dict.fromkeys(LEGACY_MODES, Key("read below", (True, False))),
    "pooling_mode": Key("read below"),
    "include_prompt": Key("False leaves a prompt's tokens out of the pooling", (True,)),
}
ENTRY_KEYS = {
    "idx": Key("the list's order counts"),
    "name": Key("read below"),
    "path": Key("read below"),
    "type": Key("read below"),
    "kwargs": Key("names of options that a call of encode hands on; without such options nothing is"),
}


@dataclass(frozen=True)
class Pooling:
    """How token vectors become a text's vector: ``mean`` or ``cls``, and whether it is scaled to length 1."""

    mode: str
    normalize: bool


@dataclass(frozen=True)
class Modules:
    """The module list.

    Attributes:
        encoder: The folder with the encoder's files.
        pooling: What follows the encoder.
        source: Which file said so.
        own_pooling: The checkpoint's own pooling mode, whatever was asked for.
        width: Length of the token vectors, as the pooling's file states it; None where it doesn't.
    """

    encoder: Path
    pooling: Pooling
    source: str
    own_pooling: str
    width: int | None = None

    @property
    def listed(self) -> bool:
        """Whether there is a module list; without one sentence-transformers reads none of its own files."""
        return self.source == MODULES_FILE

    def tell_of_pooling(self) -> tuple[str, ...]:
        """Say what it means that the checkpoint's own pooling is overruled, if it is."""
        if self.pooling.mode == self.own_pooling:
            return ()
        whose = "the checkpoint's own" if self.listed else "sentence-transformers' choice without modules.json"
        note = (
            f"texts are pooled by {self.pooling.mode} (--pooling), {whose} is {self.own_pooling}: "
            "the vectors are not the checkpoint's"
        )
        return (note,)


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
    path = folder / MODULES_FILE
    if not path.exists():
        settings = folder / "config.json"
        own = _default_pooling(read_json_object(settings))
        mode = _choose_pooling(pooling, own, settings)
        return Modules(folder, Pooling(mode, normalize=False), f"no {MODULES_FILE}", own)
    entries = _read_list(path)
    kinds = [_kind(entry, path) for entry in entries]
    if kinds not in (["Transformer", "Pooling"], ["Transformer", "Pooling", "Normalize"]):
        raise CheckpointError(
            f"{path} lists the modules {', '.join(kinds) or 'none'}; "
            "the exporter knows Transformer, Pooling and an optional Normalize, in this order"
        )
    _check_entries(entries, path)
    encoder = folder / _place(entries[0], path)
    settings = folder / _place(entries[1], path) / "config.json"
    values = read_json_object(settings)
    check_keys(values, settings, POOLING_KEYS, only=True)
    own = _pooling_mode(values)
    pooled = Pooling(_choose_pooling(pooling, own, settings), "Normalize" in kinds)
    return Modules(encoder, pooled, MODULES_FILE, own, _width(values, settings))


def check_width(modules: Modules, dim: int) -> None:
    """Compare the width that the pooling's file states with the encoder's.

    Raises:
        CheckpointError: They differ.
    """
    if modules.width not in (None, dim):
        raise CheckpointError(
            f"the pooling's config.json says {modules.width} numbers a token, {modules.encoder / 'config.json'} says "
            f"{dim}: the two files don't belong together"
        )


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


def _check_entries(entries: list[JsonObject], path: Path) -> None:
    for entry in entries:
        check_keys(entry, path, ENTRY_KEYS, only=True)
    names = [entry.get("name") for entry in entries]
    if any(names.count(name) > 1 for name in names):
        raise CheckpointError(
            f"{path} gives modules the names {', '.join(map(shown, names))}: of those with the same name "
            "sentence-transformers runs only the last, give each its own"
        )


def _choose_pooling(asked: str | None, own: str, path: Path) -> str:
    if asked is None and own not in POOLING_MODES:
        raise CheckpointError(
            f"{path} pools by {own}, the exporter knows {' and '.join(POOLING_MODES)}: it can't convert this "
            "checkpoint (with --pooling it makes other vectors than the checkpoint's)"
        )
    return asked or own


def _default_pooling(config: JsonObject) -> str:
    """Return what sentence-transformers takes without a module list: the last token's vector of a causal model."""
    architectures = config.get("architectures")
    first = architectures[0] if isinstance(architectures, list) and architectures else ""
    causal = str(first).endswith("ForCausalLM") and config.get("is_causal", True)
    return "lasttoken" if causal else "mean"


def _pooling_mode(values: JsonObject) -> str:
    switched_on = [mode for key, mode in LEGACY_MODES.items() if values.get(key) is True]
    stated = values.get("pooling_mode", switched_on or "mean")  # the library's own default
    modes = stated if isinstance(stated, list) else [stated]
    return " + ".join(map(str, modes)) or "nothing"


def _width(values: JsonObject, path: Path) -> int | None:
    key = next((key for key in WIDTHS if key in values), None)
    return None if key is None else read_int(values, key, path)
