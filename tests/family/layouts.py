"""The five BioLORD checkpoints, file by file as they lie on the hub, with seeded random weights.

What is in each folder was read off the hub's file lists. Where a value isn't known there, the one that asks most of a
reader stands in: BioLORD-2023-S states no ``model_max_length`` here, so that sentence-transformers would take two
tokens more than there are positions.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tiny.checkpoint import write_checkpoint
from tiny.tokenizer import write_json
from tiny.weights import Sizes

SMALL = Sizes(positions=514)
"""The family's positions, so that its limits are those of the real files; everything else small."""


@dataclass(frozen=True)
class Layout:
    """What a checkpoint of the family has in its folder.

    Attributes:
        name: Of the checkpoint.
        architecture: ``mpnet`` or ``xlm-roberta``.
        modules: Whether there are modules.json and 1_Pooling.
        sentence_limit: max_seq_length of sentence_bert_config.json.
        tokenizer_limit: model_max_length of tokenizer_config.json; None where it isn't stated.
        fast_tokenizer: Whether there is a tokenizer.json beside the older file.
        safetensors: Whether there is a model.safetensors, or pytorch_model.bin alone.
        max_length: What a text may have, and which file says so.
    """

    name: str
    architecture: str
    modules: bool
    sentence_limit: int
    tokenizer_limit: int | None
    fast_tokenizer: bool
    safetensors: bool
    max_length: tuple[int, str]

    @property
    def weights(self) -> str:
        """The file that is read."""
        return "model.safetensors" if self.safetensors else "pytorch_model.bin"


LAYOUTS: Mapping[str, Layout] = {
    layout.name: layout
    for layout in (
        Layout("BioLORD-2023", "mpnet", True, 128, 512, True, True, (128, "sentence_bert_config.json")),
        Layout("BioLORD-2023-C", "mpnet", False, 128, 512, False, True, (512, "tokenizer_config.json")),
        Layout("BioLORD-2023-S", "mpnet", False, 128, None, False, False, (512, "config.json")),
        Layout("BioLORD-2023-M", "xlm-roberta", True, 64, 512, True, True, (64, "sentence_bert_config.json")),
        Layout("BioLORD-STAMB2-v1", "mpnet", False, 512, 512, True, False, (512, "tokenizer_config.json")),
    )
}


def write_layout(folder: Path, layout: Layout, *, sizes: Sizes = SMALL, seed: int = 23) -> Path:
    """Write a checkpoint of a layout; its weights are a safetensors file, which `family.there` turns into a pickle.

    Args:
        folder: Made, if need be.
        layout: Which files it has.
        sizes: Of the encoder.
        seed: Of the weights.
    """
    write_checkpoint(
        folder,
        architecture=layout.architecture,
        sizes=sizes,
        modules=layout.modules,
        tokenizer=layout.fast_tokenizer,
        output_hidden_states=True,
        max_seq_length=layout.sentence_limit,
        seed=seed,
    )
    settings = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
    del settings["model_max_length"]
    if layout.tokenizer_limit is not None:
        settings["model_max_length"] = layout.tokenizer_limit
    if not layout.fast_tokenizer:
        settings["added_tokens_decoder"] = _added_tokens(folder)
    write_json(folder / "tokenizer_config.json", settings)
    if layout.modules:
        versions = {"sentence_transformers": "2.2.2", "transformers": "4.28.1", "pytorch": "1.13.1"}
        write_json(folder / "config_sentence_transformers.json", {"__version__": versions})
    (folder / "README.md").write_text(f"# {layout.name}, random weights\n", encoding="utf-8")
    (folder / ".gitattributes").write_text("*.bin filter=lfs diff=lfs merge=lfs -text\n", encoding="utf-8")
    return folder


def _added_tokens(folder: Path) -> dict[str, dict[str, object]]:
    """List the special tokens by id, as transformers saves them for a tokenizer without a fast file."""
    lines = (folder / "vocab.txt").read_text(encoding="utf-8").splitlines()
    return {
        str(number): {
            "content": line,
            "lstrip": line == "<mask>",
            "normalized": False,
            "rstrip": False,
            "single_word": False,
            "special": True,
        }
        for number, line in enumerate(lines)
        if line in {"<s>", "<pad>", "</s>", "[UNK]", "<mask>"}
    }


def lay_out_for_hub(folder: Path, cache: Path, name: str, commit: str) -> Path:
    """Lay a checkpoint out as the hub's client keeps it, under its real id; returns the snapshot's folder."""
    model = cache / "hub" / f"models--FremyCompany--{name}"
    snapshot = model / "snapshots" / commit
    for number, path in enumerate(sorted(path for path in folder.rglob("*") if path.is_file())):
        blob = model / "blobs" / f"{number:040x}"
        blob.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, blob)
        link = snapshot / path.relative_to(folder)
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(blob)
    (model / "refs").mkdir()
    (model / "refs" / "main").write_text(commit, encoding="utf-8")
    return snapshot
