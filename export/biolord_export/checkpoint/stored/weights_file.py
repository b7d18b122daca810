"""Where a folder's weights lie: in one file, or in several that an index lists."""

from __future__ import annotations

from typing import TYPE_CHECKING

from biolord_export.checkpoint.settings.json_files import read_json_object
from biolord_export.checkpoint.stored.pickled import PICKLED_WEIGHTS, TAKE_SAFETENSORS, can_unpickle
from biolord_export.errors import CheckpointError
from biolord_onnx.errors import MissingDependencyError
from biolord_onnx.install import install_hint

if TYPE_CHECKING:
    from pathlib import Path

WEIGHTS_FILE = "model.safetensors"
INDEX_ENDING = ".index.json"
WEIGHTS_FILES = (WEIGHTS_FILE, WEIGHTS_FILE + INDEX_ENDING)
PICKLES = (PICKLED_WEIGHTS, PICKLED_WEIGHTS + INDEX_ENDING)


def find_weights(folder: Path) -> Path:
    """Find the weights file of a folder, or the index of several: safetensors first, as transformers takes them.

    Raises:
        CheckpointError: There is none.
        MissingDependencyError: There is only a pickle, and torch isn't installed.
    """
    found = [folder / name for name in (*WEIGHTS_FILES, *PICKLES) if (folder / name).is_file()]
    if not found:
        _refuse_without_index(folder)
        raise CheckpointError(
            f"{folder / WEIGHTS_FILE} is missing, and so is {WEIGHTS_FILE}{INDEX_ENDING}: the exporter reads weights "
            "from the one file, or from those that the other lists (older BioLORD checkpoints have it at "
            f"--revision refs/pr/1; with the optimum extra their {PICKLED_WEIGHTS} is read, too)"
        )
    if found[0].name in PICKLES and not can_unpickle():
        raise MissingDependencyError(
            f"{folder} has its weights only in {found[0].name.removesuffix(INDEX_ENDING)}, a pickle, which only torch "
            f"loads safely: {TAKE_SAFETENSORS}, or {install_hint('export', 'optimum')}"
        )
    return found[0]


def _refuse_without_index(folder: Path) -> None:
    shards = sorted(path.name for ending in ("safetensors", "bin") for path in folder.glob(f"*-of-*.{ending}"))
    if shards:
        raise CheckpointError(
            f"{folder} has parts of the weights ({', '.join(shards[:3])}) and no index of them, such as "
            f"{WEIGHTS_FILE}{INDEX_ENDING}: download the checkpoint again"
        )


def weight_files(path: Path) -> tuple[Path, ...]:
    """List the files that hold the weights: the file itself, or those that an index lists.

    Raises:
        CheckpointError: The index is broken, or names a file that isn't beside it.
    """
    if not path.name.endswith(INDEX_ENDING):
        return (path,)
    places = read_json_object(path).get("weight_map")
    if not isinstance(places, dict) or not places or not all(isinstance(name, str) for name in places.values()):
        raise CheckpointError(f"{path} has no weight_map of tensors and files: download it again")
    names = sorted(set(map(str, places.values())))
    for name in names:
        if "/" in name or "\\" in name or not (path.parent / name).is_file():
            raise CheckpointError(f"{path} lists {name}, which is no file beside it: download the checkpoint again")
    return tuple(path.parent / name for name in names)


def is_pickled(path: Path) -> bool:
    """Tell whether a weights file, or those of an index, are pickles."""
    return path.name.removesuffix(INDEX_ENDING).endswith(".bin")
