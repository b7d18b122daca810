"""The module list of a sentence-transformers checkpoint: what happens after the encoder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from biolord_export.checkpoint.head.dense import read_dense
from biolord_export.checkpoint.head.pooling import (
    JOINT,
    POOLING_MODES,
    Normalize,
    Pooling,
    Step,
    check_steps,
    read_pooling,
    read_width,
    unknown_modes,
)
from biolord_export.checkpoint.settings.json_files import read_json_list, read_json_object
from biolord_export.checkpoint.settings.known_keys import Key, check_keys, shown
from biolord_export.errors import CheckpointError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from biolord_export.checkpoint.settings.json_files import JsonObject

MODULES_FILE = "modules.json"
LIBRARY = "sentence_transformers"
"""The package whose modules the exporter knows."""
ENTRY_KEYS = {
    "idx": Key("the list's order counts"),
    "name": Key("read below"),
    "path": Key("read below"),
    "type": Key("read below"),
    "kwargs": Key("names of options that a call of encode hands on; without such options nothing is"),
}
FIRST = ["Transformer", "Pooling"]
DROPOUT_KEYS = {"dropout": Key("a share of numbers that training sets to zero, and encoding doesn't")}


@dataclass(frozen=True, slots=True)
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
        pooling: A mode, or several with ``+`` between them, to overrule the checkpoint's own.

    Raises:
        CheckpointError: A module or the pooling isn't supported, or a file is broken.
        MissingDependencyError: A module's weights are pickled and torch isn't installed.
    """
    if pooling is not None and unknown_modes(pooling):
        raise CheckpointError(f"pooling is {pooling!r}, the exporter knows {_known_modes()}")
    path = folder / MODULES_FILE
    if not path.exists():
        settings = folder / "config.json"
        own = _default_pooling(read_json_object(settings))
        mode = _choose_pooling(pooling, own, settings)
        return Modules(folder, Pooling(mode, normalize=False), f"no {MODULES_FILE}", own)
    entries = read_json_list(path)
    kinds = [_kind(entry, path) for entry in entries]
    if kinds[: len(FIRST)] != FIRST or not all(kind in STEPS for kind in kinds[len(FIRST) :]):
        raise CheckpointError(
            f"{path} lists the modules {', '.join(kinds) or 'none'}; the exporter knows {' and '.join(FIRST)}, and "
            f"behind them {', '.join(STEPS)}"
        )
    _check_entries(entries, path)
    encoder, settings, *places = (folder / _place(entry, path) for entry in entries)
    steps = [step for kind, place in zip(kinds[len(FIRST) :], places, strict=True) for step in STEPS[kind](place)]
    return _assemble(encoder, settings / "config.json", steps, pooling)


def _assemble(encoder: Path, settings: Path, steps: list[Step], asked: str | None) -> Modules:
    values = read_json_object(settings)
    own = read_pooling(values, settings)
    normalize = bool(steps) and isinstance(steps[-1], Normalize)
    pooling = Pooling(
        _choose_pooling(asked, own, settings),
        normalize,
        steps=tuple(steps[:-1] if normalize else steps),
        include_prompt=values.get("include_prompt", True) is True,
    )
    return Modules(encoder, pooling, MODULES_FILE, own, read_width(values, settings))


def _dense(place: Path) -> list[Step]:
    return [read_dense(place)]


def _normalize(place: Path) -> list[Step]:  # noqa: ARG001 - the module has no files
    return [Normalize()]


def _dropout(place: Path) -> list[Step]:
    path = place / "config.json"
    check_keys(read_json_object(path), path, DROPOUT_KEYS, only=True)
    return []


STEPS: Mapping[str, Callable[[Path], list[Step]]] = {"Dense": _dense, "Normalize": _normalize, "Dropout": _dropout}
"""The modules that may follow the pooling, any number of each in any order: what reads one from its folder."""


def check_width(modules: Modules, dim: int) -> None:
    """Compare the widths that the modules' files state with the encoder's, and with each other.

    Raises:
        CheckpointError: They differ.
    """
    if modules.width not in (None, dim):
        raise CheckpointError(
            f"the pooling's config.json says {modules.width} numbers a token, {modules.encoder / 'config.json'} says "
            f"{dim}: the two files don't belong together"
        )
    check_steps(modules.pooling, dim)


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


def _known_modes() -> str:
    return f"{', '.join(POOLING_MODES)}, and several with {JOINT} between them"


def _choose_pooling(asked: str | None, own: str, path: Path) -> str:
    if asked is None and unknown_modes(own):
        raise CheckpointError(
            f"{path} pools by {own}, the exporter knows {_known_modes()}: it can't convert this "
            "checkpoint (with --pooling it makes other vectors than the checkpoint's)"
        )
    return asked or own


def _default_pooling(config: JsonObject) -> str:
    """Return what sentence-transformers takes without a module list: the last token's vector of a causal model."""
    architectures = config.get("architectures")
    first = architectures[0] if isinstance(architectures, list) and architectures else ""
    causal = str(first).endswith("ForCausalLM") and config.get("is_causal", True)
    return "lasttoken" if causal else "mean"
