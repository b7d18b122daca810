"""Changes to the settings in a tiny checkpoint's files."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from tiny.tokenizer import write_json

Edit = Callable[[Path], object]
LIBRARY = "config_sentence_transformers.json"
SENTENCE = "sentence_bert_config.json"
TOKENIZER = "tokenizer_config.json"
POOLING = "1_Pooling/config.json"
TEXT_ONLY = {"text": {"method": "forward", "method_output_name": "last_hidden_state"}}


def put(name: str, **members: object) -> Edit:
    """Write members of a file that may be there already."""

    def edit(folder: Path) -> None:
        path = folder / name
        write_json(path, {**(json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}), **members})

    return edit


def rename(name: str, new: str, **members: object) -> Edit:
    """Rename a file and change members of it."""

    def edit(folder: Path) -> None:
        (folder / name).rename(folder / new)
        put(new, **members)(folder)

    return edit


def remove(*names: str) -> Edit:
    """Take files out."""

    def edit(folder: Path) -> None:
        for name in names:
            (folder / name).unlink()

    return edit


def in_turn(*edits: Edit) -> Edit:
    """Make several changes."""
    return lambda folder: [edit(folder) for edit in edits]


def flagged(folder: Path, **flags: object) -> None:
    """List the added tokens in tokenizer_config.json as transformers does, the mask's flags changed."""
    listed = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))["added_tokens"]
    decoder = {
        str(token["id"]): {key: value for key, value in token.items() if key != "id"}
        | (flags if "mask" in token["content"].lower() else {})
        for token in listed
    }
    put(TOKENIZER, added_tokens_decoder=decoder)(folder)


def to_transformer_folder(folder: Path) -> None:
    """Put the encoder's files where the first releases kept them."""
    inner = folder / "0_Transformer"
    inner.mkdir()
    for path in [path for path in folder.iterdir() if path.is_file() and path.name not in ("modules.json", LIBRARY)]:
        path.rename(inner / path.name)
    entries = json.loads((folder / "modules.json").read_text(encoding="utf-8"))
    entries[0]["path"] = "0_Transformer"
    write_json(folder / "modules.json", entries)


def with_tokenizer(part: str, **members: object) -> Edit:
    """Change a part of tokenizer.json."""

    def edit(folder: Path) -> None:
        values = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
        write_json(folder / "tokenizer.json", {**values, part: {**values[part], **members}})

    return edit


NO_MODULES = remove("modules.json", POOLING)
