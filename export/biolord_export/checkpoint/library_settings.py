"""``config_sentence_transformers.json``: what sentence-transformers does around the modules, such as prompts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from biolord_export.checkpoint.config import read_json_object
from biolord_export.checkpoint.known_keys import Key, check_keys, shown
from biolord_export.errors import CheckpointError

if TYPE_CHECKING:
    from pathlib import Path

    from biolord_export.checkpoint.config import JsonObject

LIBRARY_FILE = "config_sentence_transformers.json"
LIBRARY_KEYS = {
    "__version__": Key("the releases that wrote the checkpoint; sentence-transformers only warns of a later one"),
    "model_type": Key("other kinds are no encoders of single texts", ("SentenceTransformer",)),
    "prompts": Key("read below"),
    "default_prompt_name": Key("read below"),
    "similarity_fn_name": Key("what model.similarity compares with; vectors stay as they are"),
    "truncate_dim": Key("read below"),
}
BUILT_IN_PROMPTS = ("query", "document")
"""Names that sentence-transformers knows without a prompt of that name; they stand for none."""


def read_library_settings(folder: Path, dim: int) -> tuple[str, ...]:
    """Check the library's own settings of a checkpoint that has ``modules.json``; without that they aren't read.

    Args:
        folder: The checkpoint.
        dim: Length of its vectors.

    Returns:
        What a user of the artifact must know of them, a line each.

    Raises:
        CheckpointError: They change vectors in a way that the exporter doesn't carry out.
    """
    path = folder / LIBRARY_FILE
    if not path.exists():
        return ()
    values = read_json_object(path)
    check_keys(values, path, LIBRARY_KEYS, only=True)
    _check_truncation(values, path, dim)
    prompts = _read_prompts(values, path)
    _check_default_prompt(values, path, prompts)
    return (*_tell_of_prompts(prompts), *_tell_of_similarity(values))


def _check_truncation(values: JsonObject, path: Path, dim: int) -> None:
    wanted = values.get("truncate_dim")
    if wanted is None:
        return
    if isinstance(wanted, bool) or not isinstance(wanted, int) or wanted < dim:
        raise CheckpointError(
            f"{path}: truncate_dim is {shown(wanted)}, sentence-transformers cuts vectors of {dim} numbers there and "
            "the exporter doesn't: set it to null, and cut the vectors yourself"
        )


def _read_prompts(values: JsonObject, path: Path) -> dict[str, str]:
    """Return the prompts that aren't empty, by name."""
    prompts = values.get("prompts", {})
    if not isinstance(prompts, dict) or not all(isinstance(text, str | None) for text in prompts.values()):
        raise CheckpointError(f"{path}: prompts is {shown(prompts)}, expected texts by name")
    return {name: text for name, text in prompts.items() if text}


def _check_default_prompt(values: JsonObject, path: Path, prompts: dict[str, str]) -> None:
    name = values.get("default_prompt_name")
    if name is None:
        return
    stated = values.get("prompts", {})
    if not isinstance(name, str) or not (name in BUILT_IN_PROMPTS or (isinstance(stated, dict) and name in stated)):
        raise CheckpointError(f"{path}: default_prompt_name is {shown(name)}, which is none of its prompts")
    if name in prompts:
        raise CheckpointError(
            f"{path}: default_prompt_name is {name!r}, sentence-transformers puts {shown(prompts[name])} in front of "
            "every text and the exporter doesn't: set it to null, and put the prompt in front of texts yourself"
        )


def _tell_of_prompts(prompts: dict[str, str]) -> tuple[str, ...]:
    if not prompts:
        return ()
    listed = ", ".join(f"{name} {shown(text)}" for name, text in sorted(prompts.items()))
    note = (
        f"the checkpoint's prompts ({listed}) are not applied, as encode in sentence-transformers applies none: put "
        "them in front of texts yourself where its encode_query and encode_document would"
    )
    return (note,)


def _tell_of_similarity(values: JsonObject) -> tuple[str, ...]:
    name = values.get("similarity_fn_name")
    if name is None or name == "cosine":
        return ()
    return (f"the checkpoint compares vectors by {shown(name)} (similarity_fn_name), biolord similar by cosine",)
