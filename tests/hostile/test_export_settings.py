"""Settings of a checkpoint's files that aren't carried out: each is refused with the file, the key and its value."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tiny.checkpoint import write_checkpoint
from tiny.settings import (
    LIBRARY,
    POOLING,
    SENTENCE,
    TEXT_ONLY,
    TOKENIZER,
    Edit,
    in_turn,
    put,
    remove,
    rename,
)
from tiny.tokenizer import write_json
from unit.export.places import Place

REFUSED: dict[str, tuple[Edit, str]] = {
    "a default prompt that isn't there": (put(LIBRARY, default_prompt_name="mine"), "which is none of its prompts"),
    "a default prompt that is no name": (put(LIBRARY, default_prompt_name=1), "which is none of its prompts"),
    "prompts that are no texts": (
        put(LIBRARY, prompts={"query": 1}),
        "prompts is {'query': 1}, expected texts by name",
    ),
    "a width that is no number": (put(LIBRARY, truncate_dim="16"), "truncate_dim is '16'"),
    "a width of nothing": (put(LIBRARY, truncate_dim=0), "truncate_dim is 0"),
    "another kind of model": (put(LIBRARY, model_type="SparseEncoder"), "model_type is 'SparseEncoder'"),
    "an unknown library setting": (put(LIBRARY, rescale=2), "rescale is 2, a key that the exporter doesn't know"),
    "a pooling switch that is a number": (put(POOLING, pooling_mode_cls_token=1), "pooling_mode_cls_token is 1"),
    "an unknown pooling setting": (put(POOLING, temperature=2), "temperature is 2, a key that the exporter doesn't"),
    "another width in the pooling": (put(POOLING, word_embedding_dimension=32), "says 32 numbers a token"),
    "modules of one name": (
        lambda folder: write_json(
            folder / "modules.json",
            [{**one, "name": "0"} for one in json.loads((folder / "modules.json").read_text(encoding="utf-8"))],
        ),
        "gives modules the names '0', '0'",
    ),
    "an unknown module setting": (
        lambda folder: write_json(
            folder / "modules.json",
            [{**one, "scale": 2} for one in json.loads((folder / "modules.json").read_text(encoding="utf-8"))],
        ),
        "scale is 2, a key that the exporter doesn't know",
    ),
    "another task": (put(SENTENCE, transformer_task="fill-mask"), "transformer_task is 'fill-mask'"),
    "a chat": (
        put(
            SENTENCE, modality_config={**TEXT_ONLY, "message": TEXT_ONLY["text"]}, module_output_name="token_embeddings"
        ),
        "modality_config is {",
    ),
    "a modality without its output": (put(SENTENCE, modality_config=TEXT_ONLY), "module_output_name isn't"),
    "another output": (put(SENTENCE, module_output_name="sentence_embedding"), "module_output_name is"),
    "options of every call": (put(SENTENCE, processing_kwargs={"text": {"max_length": 5}}), "processing_kwargs is {"),
    "options of the tokenizer": (put(SENTENCE, tokenizer_args={"model_max_length": 5}), "tokenizer_args is {"),
    "options of the config": (put(SENTENCE, config_kwargs={"hidden_act": "relu"}), "config_kwargs is {"),
    "options of the model": (put(SENTENCE, model_args={"variant": "x"}), "model_args is {"),
    "a tokenizer from elsewhere": (put(SENTENCE, tokenizer_name_or_path="a/b"), "tokenizer_name_or_path is 'a/b'"),
    "lower case that is a number": (put(SENTENCE, do_lower_case=1), "do_lower_case is 1"),
    "an older name with an unknown setting": (
        rename(SENTENCE, "sentence_albert_config.json", scale=2),
        "sentence_albert_config.json: scale is 2",
    ),
    "special tokens as words": (put(TOKENIZER, split_special_tokens=True), "split_special_tokens is True"),
    "a slow tokenizer": (put(TOKENIZER, tokenizer_class="BertJapaneseTokenizer"), "is 'BertJapaneseTokenizer'"),
    "a slow tokenizer, by config.json": (
        in_turn(remove(TOKENIZER), put("config.json", tokenizer_class="BertJapaneseTokenizer")),
        "is 'BertJapaneseTokenizer'",
    ),
    "no mask": (put(TOKENIZER, model_input_names=["input_ids"]), "model_input_names is ['input_ids']"),
    "case that is no switch": (put(TOKENIZER, do_lower_case="no"), "do_lower_case is 'no'"),
    "another tokenizer file": (put(TOKENIZER, tokenizer_file="other.json"), "tokenizer_file is 'other.json'"),
    "a chat template": (put(TOKENIZER, chat_template="{{ x }}"), "chat_template is '{{ x }}'"),
    "a chat template in a file": (
        lambda folder: (folder / "chat_template.jinja").write_text("{{ x }}", encoding="utf-8"),
        "chat_template.jinja: texts would be laid out as a conversation",
    ),
    "a processor": (put("processor_config.json", processor_class="ClapProcessor"), "processor_config.json: it says"),
    "code of the tokenizer's own": (put(TOKENIZER, auto_map={"AutoTokenizer": ["a.B", None]}), "auto_map is {"),
    "a side that is none": (put(TOKENIZER, truncation_side="middle"), "truncation_side is 'middle'"),
    "padding at no side": (put(TOKENIZER, padding_side="both"), "padding_side is 'both'"),
    "an added word without a vector": (put("added_tokens.json", heartburnish=180), "don't belong together"),
    "an added word without an id": (put("added_tokens.json", heartburnish="x"), "expected ids by token"),
    "a decoder of texts": (put(TOKENIZER, added_tokens_decoder={"9": "fever"}), "added_tokens_decoder holds 'fever'"),
    "a special token that is a number": (put("special_tokens_map.json", mask_token=5), "a special token holds 5"),
    "a decoder of something else": (put(TOKENIZER, added_tokens_decoder=["fever"]), "added_tokens_decoder holds"),
    "a decoder": (put("config.json", is_decoder=True), "is_decoder is True"),
    "attention to another encoder": (put("config.json", add_cross_attention=True), "add_cross_attention is True"),
    "heads taken out": (put("config.json", pruned_heads={"0": [1]}), "pruned_heads is {'0': [1]}"),
    "quantized weights": (
        put("config.json", quantization_config={"quant_method": "bitsandbytes"}),
        "quantization_config is {",
    ),
    "code of the model's own": (put("config.json", auto_map={"AutoModel": "a.B"}), "auto_map is {'AutoModel': 'a.B'}"),
    "other weights": (put("config.json", transformers_weights="x.safetensors"), "transformers_weights is"),
    "an index of nothing": (
        in_turn(remove("model.safetensors"), put("model.safetensors.index.json", weight_map={})),
        "has no weight_map of tensors and files",
    ),
    "an index of files elsewhere": (
        in_turn(remove("model.safetensors"), put("model.safetensors.index.json", weight_map={"a": "../b.safetensors"})),
        "lists ../b.safetensors, which is no file beside it",
    ),
    "an index of files that are missing": (
        in_turn(remove("model.safetensors"), put("model.safetensors.index.json", weight_map={"a": "b.safetensors"})),
        "lists b.safetensors, which is no file beside it",
    ),
    "pickled shards": (
        in_turn(remove("model.safetensors"), put("pytorch_model.bin.index.json", weight_map={})),
        "has its weights only in pytorch_model.bin, a pickle",
    ),
    "shards without an index": (
        lambda folder: (folder / "model.safetensors").rename(folder / "model-00001-of-00002.safetensors"),
        "has parts of the weights (model-00001-of-00002.safetensors) and no index of them",
    ),
    "prompts that are too long": (put(LIBRARY, prompts={"query": "x" * 5000}), "prompts of up to 5000 characters"),
    "an adapter": (
        put("adapter_config.json", peft_type="LORA"),
        "adapter_config.json says that the weights are an adapter to another checkpoint's",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_carried_out_is_refused_by_name(tmp_path: Path, name: str) -> None:
    """With the file, the key and its value, in one line, and nothing is written; whatever the options are."""
    edit, message = REFUSED[name]
    model = write_checkpoint(tmp_path / "model")
    edit(model)
    (tmp_path / "place").mkdir()
    Place(tmp_path / "place").assert_refused(model, "--target", "cpu-fp32", message=message)


@pytest.mark.parametrize("name", ["an adapter", "an index of nothing", "shards without an index"])
def test_nothing_is_said_of_a_pull_request(tmp_path: Path, name: str) -> None:
    """What such a checkpoint needs isn't another revision."""
    edit, _ = REFUSED[name]
    model = write_checkpoint(tmp_path / "model")
    edit(model)
    (tmp_path / "place").mkdir()
    assert "refs/pr" not in Place(tmp_path / "place").export(model).err
