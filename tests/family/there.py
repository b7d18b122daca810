"""What needs torch or the older tokenizers. Run by the oracle's interpreter, never imported by a test.

python there.py pickle FOLDER                          turn its model.safetensors into pytorch_model.bin
python there.py export FOLDER OUT TARGET               export it, with torch at hand
python there.py ids TOKENIZER.json TEXTS.json OUT.json  token ids by this environment's tokenizers
python there.py convert MODEL OUT.json                  transformers' conversion of an XLM-R sentencepiece model
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import SimpleNamespace


def turn_into_pickle(folder: str) -> None:
    """Save the weights as torch does."""
    import torch
    from safetensors.torch import load_file

    weights = Path(folder, "model.safetensors")
    torch.save(load_file(weights), weights.with_name("pytorch_model.bin"))
    weights.unlink()


def export(folder: str, out: str, target: str) -> None:
    """Export a checkpoint."""
    from biolord_export.pipeline import ExportOptions, export_artifact
    from biolord_export.source import open_checkpoint
    from biolord_export.targets import find_target

    options = ExportOptions(find_target(target), accept_below_gate=True)
    export_artifact(open_checkpoint(folder), Path(out), options)


def token_ids(tokenizer: str, texts: str, out: str) -> None:
    """Tokenize texts with special tokens, uncut."""
    import tokenizers

    loaded = tokenizers.Tokenizer.from_file(tokenizer)
    loaded.no_padding()
    loaded.no_truncation()
    found = [encoding.ids for encoding in loaded.encode_batch(json.loads(Path(texts).read_text(encoding="utf-8")))]
    answer = {"version": tokenizers.__version__, "ids": found}
    Path(out).write_text(json.dumps(answer), encoding="utf-8")


def convert(model: str, out: str) -> None:
    """Convert as `XLMRobertaTokenizerFast` does where it finds no tokenizer.json, special tokens added."""
    from tokenizers import AddedToken
    from transformers.convert_slow_tokenizer import XLMRobertaConverter

    names = ("<s>", "<pad>", "</s>", "<unk>")
    slow = SimpleNamespace(vocab_file=model, convert_tokens_to_ids=names.index)
    tokenizer = XLMRobertaConverter(slow).converted()
    added = [*(AddedToken(name, normalized=False) for name in names), AddedToken("<mask>", lstrip=True, normalized=False)]
    tokenizer.add_special_tokens(added)
    tokenizer.save(out)


COMMANDS = {"pickle": turn_into_pickle, "export": export, "ids": token_ids, "convert": convert}

if __name__ == "__main__":
    COMMANDS[sys.argv[1]](*sys.argv[2:])
