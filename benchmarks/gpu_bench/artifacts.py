"""Checkpoints with seeded random weights, of real sizes, and their artifacts: nothing has to be carried to the GPU."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer
from tokenizers.processors import TemplateProcessing
from transformers import AutoConfig, AutoModel

from biolord_bench.workloads.workloads import GENERATED, generate
from biolord_export.artifact.writer import write_draft
from biolord_export.checkpoint.source import open_checkpoint
from biolord_export.graph.builder import FLOAT16, WIDENED_FLOAT16
from biolord_export.graph.packing import CUDA_PACKED, CUDA_PADDED
from biolord_export.pipeline import describe
from biolord_export.roads.authored import FloatRoad
from biolord_export.roads.road import Loaded
from biolord_export.targets import TARGETS
from biolord_export.vocabulary.pruning import load_weights

LAYOUTS = {"packed": CUDA_PACKED, "padded": CUDA_PADDED}
LONGEST = 256
_SPECIALS = {
    "bert": ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"),
    "mpnet": ("<s>", "<pad>", "</s>", "<unk>", "<mask>"),
}
_FRAMES = {"bert": ("[CLS]", "[SEP]", "[UNK]"), "mpnet": ("<s>", "</s>", "<unk>")}


@dataclass(frozen=True, slots=True)
class Size:
    """What a seeded checkpoint is like."""

    architecture: str
    hidden: int
    layers: int
    heads: int
    tokens: int


SIZES: Mapping[str, Size] = {
    "tiny": Size("mpnet", 64, 2, 4, 4000),
    "minilm": Size("bert", 384, 6, 12, 30522),
    "full": Size("mpnet", 768, 12, 12, 30527),
}


def seeded_checkpoint(folder: Path, size: Size) -> Path:
    """Write a sentence-transformers folder with random weights; a size gives the same ones everywhere."""
    folder.mkdir(parents=True)
    pieces = _write_tokenizer(folder, size)
    torch.manual_seed(7)
    config = AutoConfig.for_model(
        size.architecture,
        hidden_size=size.hidden,
        num_hidden_layers=size.layers,
        num_attention_heads=size.heads,
        intermediate_size=4 * size.hidden,
        vocab_size=len(pieces),
        max_position_embeddings=514,
        pad_token_id=pieces[_SPECIALS[size.architecture][size.architecture == "mpnet"]],
    )
    AutoModel.from_config(config).save_pretrained(folder)
    _write(folder / "sentence_bert_config.json", {"max_seq_length": LONGEST, "do_lower_case": False})
    kinds = (("", "Transformer"), ("1_Pooling", "Pooling"), ("2_Normalize", "Normalize"))
    modules = [
        {"idx": index, "name": str(index), "path": path, "type": f"sentence_transformers.models.{kind}"}
        for index, (path, kind) in enumerate(kinds)
    ]
    _write(folder / "modules.json", modules)
    (folder / "1_Pooling").mkdir()
    pooling = {"word_embedding_dimension": size.hidden, "pooling_mode_mean_tokens": True}
    _write(folder / "1_Pooling" / "config.json", pooling)
    return folder


def write_artifact(checkpoint_folder: Path, out: Path, layout: str, device: str) -> Path:
    """Write the float16 artifact of a checkpoint; for the CPU with its constants widened, the same graph otherwise."""
    checkpoint = open_checkpoint(str(checkpoint_folder))
    weights = load_weights(checkpoint)
    floats, target = (FLOAT16, "cuda-fp16") if device == "cuda" else (WIDENED_FLOAT16, "cpu-fp32")
    written = FloatRoad(floats, LAYOUTS[layout]).write(Loaded(checkpoint, weights, {}))
    out.mkdir(parents=True)
    write_draft(out, written.graph, checkpoint.tokenizer_json, describe(checkpoint, TARGETS[target], weights, (), {}))
    return out


def _write_tokenizer(folder: Path, size: Size) -> Mapping[str, int]:
    """Write a tokenizer whose words are those of the benchmark's texts."""
    words = sorted({word for name in GENERATED for text in generate(name).texts for word in _words(text)})
    letters = sorted({letter for word in words for letter in word})
    pieces = dict.fromkeys([*_SPECIALS[size.architecture], *letters, *(f"##{letter}" for letter in letters), *words])
    names = [*pieces, *(f"[unused{number}]" for number in range(size.tokens))][: size.tokens]
    vocabulary = {name: number for number, name in enumerate(names)}
    first, last, unknown = _FRAMES[size.architecture]
    tokenizer = Tokenizer(WordPiece(vocabulary, unk_token=unknown))
    tokenizer.normalizer = BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = BertPreTokenizer()
    frame = [(name, vocabulary[name]) for name in (first, last)]
    tokenizer.post_processor = TemplateProcessing(single=f"{first} $A {last}", special_tokens=frame)
    tokenizer.add_special_tokens(list(_SPECIALS[size.architecture]))
    tokenizer.save(str(folder / "tokenizer.json"))
    return vocabulary


def _words(text: str) -> list[str]:
    return re.findall(r"\w+|[^\w\s]", text.lower())


def _write(path: Path, content: object) -> None:
    path.write_text(json.dumps(content), encoding="utf-8")
