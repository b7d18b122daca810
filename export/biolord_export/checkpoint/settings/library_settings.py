"""``config_sentence_transformers.json``: what sentence-transformers does around the modules, such as prompts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from biolord_export.checkpoint.settings.json_files import read_json_object
from biolord_export.checkpoint.settings.known_keys import Key, check_keys, shown
from biolord_export.errors import CheckpointError
from biolord_onnx.artifact.prompts import DOCUMENT, LONGEST_PROMPT, MOST_PROMPTS, QUERY, Prompts

if TYPE_CHECKING:
    from pathlib import Path

    from biolord_export.checkpoint.settings.json_files import JsonObject

LIBRARY_FILE = "config_sentence_transformers.json"
LIBRARY_KEYS = {
    "__version__": Key("the releases that wrote the checkpoint; sentence-transformers only warns of a later one"),
    "model_type": Key("other kinds are no encoders of single texts", ("SentenceTransformer",)),
    "prompts": Key("read below"),
    "default_prompt_name": Key("read below"),
    "similarity_fn_name": Key("what model.similarity compares with; vectors stay as they are"),
    "truncate_dim": Key("read below"),
}
BUILT_IN_PROMPTS = (QUERY, DOCUMENT)
"""Names that sentence-transformers knows without a prompt of that name; they stand for none."""


@dataclass(frozen=True, slots=True)
class LibrarySettings:
    """What is done around the modules.

    Attributes:
        prompts: What is put in front of texts.
        truncate_dim: Numbers that are left of a vector; None for all.
        notes: What a user of the artifact must know, one per line.
    """

    prompts: Prompts = field(default_factory=Prompts)
    truncate_dim: int | None = None
    notes: tuple[str, ...] = ()


def read_library_settings(folder: Path) -> LibrarySettings:
    """Read the library's own settings of a checkpoint that has ``modules.json``; without that they aren't read.

    Args:
        folder: The checkpoint.

    Raises:
        CheckpointError: They are broken, or change vectors in a way that the exporter doesn't carry out.
    """
    path = folder / LIBRARY_FILE
    if not path.exists():
        return LibrarySettings()
    values = read_json_object(path)
    check_keys(values, path, LIBRARY_KEYS, only=True)
    prompts = _read_prompts(values, path)
    return LibrarySettings(
        prompts, _read_truncation(values, path), (*_tell_of_default(prompts), *_tell_of_similarity(values))
    )


def _read_truncation(values: JsonObject, path: Path) -> int | None:
    wanted = values.get("truncate_dim")
    if wanted is not None and (isinstance(wanted, bool) or not isinstance(wanted, int) or wanted < 1):
        raise CheckpointError(f"{path}: truncate_dim is {shown(wanted)}, expected a whole number of 1 or more, or null")
    return wanted


def _read_prompts(values: JsonObject, path: Path) -> Prompts:
    texts = values.get("prompts", {})
    if not isinstance(texts, dict) or not all(isinstance(text, str | None) for text in texts.values()):
        raise CheckpointError(f"{path}: prompts is {shown(texts)}, expected texts by name")
    named = {**dict.fromkeys(BUILT_IN_PROMPTS, ""), **{name: text or "" for name, text in texts.items()}}
    longest = max(map(len, named.values()))
    if longest > LONGEST_PROMPT or len(named) > MOST_PROMPTS:
        raise CheckpointError(
            f"{path}: {len(named)} prompts of up to {longest} characters, an artifact holds {MOST_PROMPTS} of "
            f"{LONGEST_PROMPT}: take some out"
        )
    default = values.get("default_prompt_name")
    if default is not None and default not in named:
        raise CheckpointError(f"{path}: default_prompt_name is {shown(default)}, which is none of its prompts")
    return Prompts(named if any(named.values()) else {}, str(default) if default and named[default] else None)


def _tell_of_default(prompts: Prompts) -> tuple[str, ...]:
    if prompts.default is None:
        return ()
    text = shown(prompts.texts[prompts.default])
    return (
        f"the checkpoint's prompt {shown(prompts.default)} puts {text} in front of every text, unless told otherwise",
    )


def _tell_of_similarity(values: JsonObject) -> tuple[str, ...]:
    name = values.get("similarity_fn_name")
    if name is None or name == "cosine":
        return ()
    return (f"the checkpoint compares vectors by {shown(name)} (similarity_fn_name), biolord similar by cosine",)
