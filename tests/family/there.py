"""What needs torch or the older tokenizers. Run by the oracle's interpreter, never imported by a test.

python there.py pickle FOLDER...             turn each model.safetensors into pytorch_model.bin
python there.py export FOLDER OUT            export it to cpu-fp32, with torch at hand
python there.py ids QUESTION.json OUT.json   token ids of texts, by several tokenizers
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace


def turn_into_pickle(*folders: str) -> None:
    """Save weights as torch does."""
    import torch
    from safetensors.torch import load_file

    for folder in folders:
        weights = Path(folder, "model.safetensors")
        torch.save(load_file(weights), weights.with_name("pytorch_model.bin"))
        weights.unlink()


def export(folder: str, out: str) -> None:
    """Export a checkpoint."""
    from biolord_export.checkpoint.source import open_checkpoint
    from biolord_export.pipeline import ExportOptions, export_artifact
    from biolord_export.targets import find_target

    export_artifact(open_checkpoint(folder), Path(out), ExportOptions(find_target("cpu-fp32")))


def token_ids(question: str, out: str) -> None:
    """Tokenize texts with special tokens, uncut.

    The question has the texts and, by name, the text of a tokenizer.json to load with this environment's tokenizers
    (``files``), a checkpoint folder to load with transformers (``folders``), or a sentencepiece model to convert with
    transformers (``models``).
    """
    import tokenizers
    from transformers import AutoTokenizer

    asked = json.loads(Path(question).read_text(encoding="utf-8"))
    loaded = {name: tokenizers.Tokenizer.from_str(text) for name, text in asked["files"].items()}
    loaded |= {name: convert(path) for name, path in asked["models"].items()}
    for tokenizer in loaded.values():
        tokenizer.no_padding()
        tokenizer.no_truncation()
    texts = asked["texts"]
    ids = {name: [one.ids for one in tokenizer.encode_batch(texts)] for name, tokenizer in loaded.items()}
    for name, path in asked["folders"].items():
        tokenizer = AutoTokenizer.from_pretrained(path, local_files_only=True)
        ids[name] = tokenizer(texts, truncation=False, padding=False)["input_ids"]
    Path(out).write_text(json.dumps({"version": tokenizers.__version__, "ids": ids}), encoding="utf-8")


def convert(model: str) -> object:
    """Convert as `XLMRobertaTokenizerFast` does where it finds no tokenizer.json, special tokens added."""
    from tokenizers import AddedToken
    from transformers.convert_slow_tokenizer import XLMRobertaConverter

    names = ("<s>", "<pad>", "</s>", "<unk>")
    slow = SimpleNamespace(vocab_file=model, convert_tokens_to_ids=names.index)
    tokenizer = XLMRobertaConverter(slow).converted()
    added = (AddedToken(name, normalized=False) for name in names)
    tokenizer.add_special_tokens([*added, AddedToken("<mask>", lstrip=True, normalized=False)])
    return tokenizer


COMMANDS: dict[str, Callable[..., None]] = {"pickle": turn_into_pickle, "export": export, "ids": token_ids}

if __name__ == "__main__":
    COMMANDS[sys.argv[1]](*sys.argv[2:])
