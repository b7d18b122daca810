"""The table of checkpoint layouts: what sentence-transformers runs, and the exporter, or what it refuses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from table.modules import (
    DIM,
    SWITCHES_2_0,
    activated,
    dense,
    dropout,
    grown,
    half_precision,
    inside_another,
    listed,
    named,
    old_names,
    sharded,
    switched,
    without_pooler,
)
from tiny.settings import (
    LIBRARY,
    NO_MODULES,
    SENTENCE,
    TEXT_ONLY,
    TOKENIZER,
    Edit,
    in_turn,
    put,
    remove,
    rename,
    to_transformer_folder,
    with_tokenizer,
)


@dataclass(frozen=True, slots=True)
class Row:
    """A layout.

    Attributes:
        since: the major of sentence-transformers that first wrote it.
        edit: what makes it of a tiny checkpoint.
        architecture: of that.
        refused: what a refusal says; empty where it runs.
    """

    since: int
    edit: Edit
    architecture: str = "mpnet"
    refused: str = ""


ACTIVATIONS = ("ReLU", "GELU", "Sigmoid", "SiLU", "Mish", "LeakyReLU", "ELU", "SELU", "CELU", "ReLU6", "Softplus",
               "Softsign", "LogSigmoid", "Hardtanh", "Hardsigmoid", "Hardswish", "Tanh", "Tanhshrink")  # fmt: skip
"""In pairs."""
PROMPTS = {"query": "query: ", "document": "passage: "}
ROWS: Mapping[str, Row] = {
    # Pooling, by switches and by name.
    "2.0 mean": Row(2, switched("mean_tokens", names=SWITCHES_2_0)),
    "2.0 cls": Row(2, switched("cls_token", names=SWITCHES_2_0), "bert"),
    "2.0 max": Row(2, switched("max_tokens", names=SWITCHES_2_0)),
    "2.0 mean over the root of the length": Row(2, switched("mean_sqrt_len_tokens", names=SWITCHES_2_0), "bert"),
    "2.0 cls and mean": Row(2, switched("cls_token", "mean_tokens", names=SWITCHES_2_0)),
    "2.0 all four": Row(2, switched(*SWITCHES_2_0, names=SWITCHES_2_0), "xlm-roberta"),
    "2.0 no pooling switched on": Row(2, switched(names=SWITCHES_2_0)),
    "2.0 an encoder in a folder of its own": Row(2, in_turn(switched("max_tokens"), to_transformer_folder)),
    "2.3 weighted mean": Row(2, switched("weightedmean_tokens")),
    "2.3 last token": Row(2, switched("lasttoken"), "bert"),
    "2.4 prompts pooled": Row(2, switched("mean_tokens", include_prompt=True)),
    "5.4 weighted mean, last token and max": Row(5, named("weightedmean", "lasttoken", "max")),
    "5.4 mean over the root of the length": Row(
        5, in_turn(listed("Normalize", since=5.4), named("mean_sqrt_len_tokens")), "xlm-roberta"
    ),
    "5.4 a mode that nobody has": Row(5, named("median"), refused="pools by median, the exporter knows mean, cls"),
    # Modules behind the pooling.
    "2.0 Dense to fewer numbers": Row(2, in_turn(listed("Dense"), dense("2_Dense", (DIM, 32)))),
    "2.0 Dense to more, then Normalize": Row(
        2, in_turn(listed("Dense", "Normalize"), dense("2_Dense", (DIM, 100))), "bert"
    ),
    "2.0 Dense without bias": Row(2, in_turn(listed("Dense"), dense("2_Dense", (DIM, 7), bias=False))),
    "2.0 Dense behind joined poolings": Row(
        2, in_turn(switched("cls_token", "max_tokens"), listed("Dense"), dense("2_Dense", (2 * DIM, 33)))
    ),
    "2.0 two Denses": Row(
        2,
        in_turn(
            listed("Dense", "Dense"),
            dense("2_Dense", (DIM, 80), "torch.nn.modules.linear.Identity"),
            dense("3_Dense", (80, 40)),
        ),
    ),
    "2.0 Normalize before Dense": Row(2, in_turn(listed("Normalize", "Dense"), dense("3_Dense", (DIM, 40)))),
    "2.0 Normalize twice": Row(2, in_turn(listed("Normalize", "Normalize"))),
    "2.0 Dropout": Row(2, in_turn(listed("Dropout", "Normalize"), dropout("2_Dropout")), "bert"),
    "2.0 pickled Dense": Row(
        2,
        in_turn(
            listed("Dense"),
            dense("2_Dense", (DIM, 8)),
            lambda folder: (folder / "2_Dense" / "model.safetensors").rename(folder / "2_Dense" / "pytorch_model.bin"),
        ),
        refused="2_Dense has its weights only in pytorch_model.bin, a pickle",
    ),
    "5.4 Dense": Row(
        5,
        in_turn(
            listed("Dense", since=5.4),
            named("mean"),
            dense(
                "2_Dense", (DIM, 48), module_input_name="sentence_embedding", module_output_name="sentence_embedding"
            ),
        ),
    ),
    "5.4 Dense for every token": Row(
        5,
        in_turn(listed("Dense", since=5.4), dense("2_Dense", (DIM, 48), module_input_name="token_embeddings")),
        refused="module_input_name is 'token_embeddings'",
    ),
    "2.0 Dense with an activation of its own": Row(
        2, activated("Gate", module="my_package."), refused="activation_function is 'my_package.Gate'"
    ),
    "2.0 Dense that doesn't fit": Row(
        2,
        in_turn(listed("Dense"), dense("2_Dense", (32, 8))),
        refused="takes vectors of 32 numbers and would get 64",
    ),
    "2.0 LayerNorm": Row(2, listed("LayerNorm"), refused="lists the modules Transformer, Pooling, LayerNorm"),
    **{
        f"2.0 Dense with {first}, then {second}": Row(2, activated(first, second))
        for first, second in zip(ACTIVATIONS[::2], ACTIVATIONS[1::2], strict=True)
    },
    # Around the modules.
    "3.0 truncate_dim": Row(3, put(LIBRARY, truncate_dim=24)),
    "3.0 truncate_dim behind Normalize": Row(3, in_turn(listed("Normalize"), put(LIBRARY, truncate_dim=24))),
    "3.0 truncate_dim behind Dense": Row(
        3, in_turn(listed("Dense"), dense("2_Dense", (DIM, 48)), put(LIBRARY, truncate_dim=40))
    ),
    "3.0 truncate_dim beyond the vector": Row(3, put(LIBRARY, truncate_dim=1000)),
    "2.4 a default prompt": Row(2, put(LIBRARY, prompts={"query": "fever: "}, default_prompt_name="query")),
    "5.0 a default prompt of several": Row(
        5,
        put(
            LIBRARY,
            model_type="SentenceTransformer",
            prompts=PROMPTS,
            default_prompt_name="document",
            similarity_fn_name="cosine",
        ),
        "bert",
    ),
    "2.4 a default prompt that isn't pooled": Row(
        2,
        in_turn(
            switched("mean_tokens", include_prompt=False),
            put(LIBRARY, prompts={"query": "fever of unknown origin: "}, default_prompt_name="query"),
        ),
    ),
    "5.4 a prompt that isn't pooled, by every mode": Row(
        5,
        in_turn(
            named("cls", "max", "mean", "mean_sqrt_len_tokens", "weightedmean", "lasttoken", include_prompt=False),
            put(LIBRARY, prompts={"query": "fever: "}, default_prompt_name="query"),
        ),
        "bert",
    ),
    "5.0 a default prompt that isn't there": Row(
        5, put(LIBRARY, prompts=PROMPTS, default_prompt_name="mine"), refused="which is none of its prompts"
    ),
    "5.4 settings of the Transformer": Row(
        5,
        in_turn(
            listed("Normalize", since=5.4),
            named("cls"),
            put(
                SENTENCE,
                transformer_task="feature-extraction",
                modality_config=TEXT_ONLY,
                module_output_name="token_embeddings",
            ),
        ),
    ),
    # Lengths.
    "2.0 no limit of its own": Row(2, in_turn(put(SENTENCE, max_seq_length=None), put(TOKENIZER, model_max_length=20))),
    **{
        f"2.0 {name}": Row(2, rename(SENTENCE, name, max_seq_length=9))
        for name in (
            "sentence_roberta_config.json",
            "sentence_distilbert_config.json",
            "sentence_camembert_config.json",
            "sentence_albert_config.json",
            "sentence_xlm-roberta_config.json",
            "sentence_xlnet_config.json",
        )
    },
    # Weights.
    "2.0 no modules": Row(2, NO_MODULES, "bert"),
    "3.0 sharded weights": Row(3, sharded),
    "3.0 bfloat16": Row(3, half_precision, "xlm-roberta"),
    "2.0 names of TensorFlow": Row(2, old_names, "bert"),
    "2.0 no pooler": Row(2, without_pooler, "bert"),
    "2.0 inside a bigger model": Row(2, inside_another),
    "2.0 inside a bigger model, XLM-R": Row(2, inside_another, "xlm-roberta"),
    # Tokenizers.
    "2.0 the end of long texts": Row(2, put(TOKENIZER, truncation_side="left")),
    "2.0 the end of long texts, in tokenizer.json": Row(2, with_tokenizer("truncation", direction="Left"), "bert"),
    "2.0 padding in front": Row(2, put(TOKENIZER, padding_side="left")),
    "2.0 lower case on a cased tokenizer": Row(
        2, in_turn(put(SENTENCE, do_lower_case=True), put(TOKENIZER, do_lower_case=False)), "bert"
    ),
    "2.0 an added token": Row(2, put("added_tokens.json", fever=7)),
    "2.0 an added special token": Row(2, put(TOKENIZER, additional_special_tokens=["fever"]), "bert"),
    "3.0 added tokens of the decoder": Row(
        3,
        in_turn(
            grown,
            put(
                TOKENIZER,
                added_tokens_decoder={
                    "9001": {"content": "cat scratch", "special": False, "normalized": True},
                    "9002": {"content": "FEVER,", "special": True, "normalized": False},
                },
            ),
        ),
    ),
    "2.0 added tokens in their own file": Row(
        2, in_turn(grown, put("added_tokens.json", fever=7, catscratch=9)), "bert"
    ),
    "2.0 an added token without a vector": Row(
        2, put("added_tokens.json", heartburnish=7), refused="the two files don't belong together"
    ),
    "2.0 vocab.txt with an added token": Row(
        2, in_turn(grown, remove("tokenizer.json"), put("added_tokens.json", fever=7, Ménière=9)), "bert"
    ),
}
