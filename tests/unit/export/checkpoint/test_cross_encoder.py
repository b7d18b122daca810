"""Cross-encoders: recognized, read and refused by name."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from biolord_export.checkpoint.architectures import read_weights
from biolord_export.checkpoint.config import EncoderConfig
from biolord_export.checkpoint.heads import HEADS, read_head, with_head
from biolord_export.checkpoint.source import open_checkpoint
from biolord_export.checkpoint.tokenizer.frame import Frame, find_frame
from biolord_export.errors import CheckpointError
from biolord_onnx.artifact.reranking import Reranking
from tiny.cross_encoder import IDENTITY, write_cross_encoder
from tiny.tokenizer import build_tokenizer, vocabulary, write_json
from unit.export.editing import edit_json

SCORES = {"text": {"method": "forward", "method_output_name": "logits"}}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give a tiny cross-encoder to change."""
    return write_cross_encoder(tmp_path / "tiny")


def listed(folder: Path, **library: object) -> Path:
    """Lay a folder out as sentence-transformers 5.7 does, with a module list."""
    kind = "sentence_transformers.base.modules.transformer.Transformer"
    write_json(folder / "modules.json", [{"idx": 0, "name": "0", "path": "", "type": kind}])
    settings = {"model_type": "CrossEncoder", "prompts": {}, "activation_fn": IDENTITY, **library}
    write_json(folder / "config_sentence_transformers.json", settings)
    module = {"transformer_task": "sequence-classification", "modality_config": SCORES, "module_output_name": "scores"}
    write_json(folder / "sentence_bert_config.json", module)
    return folder


@pytest.mark.parametrize(
    ("architecture", "middle", "typed"), [("bert", 1, True), ("mpnet", 2, False), ("xlm-roberta", 2, False)]
)
def test_a_pair_is_framed_as_its_tokenizer_does(tmp_path: Path, architecture: str, middle: int, *, typed: bool) -> None:
    """BERT's has one token between two texts and types, the others two and none."""
    found = open_checkpoint(str(write_cross_encoder(tmp_path / "tiny", architecture=architecture))).reranking
    pieces = vocabulary(architecture)
    opening, closing = (pieces.index("[CLS]"), pieces.index("[SEP]")) if typed else (0, pieces.index("</s>"))
    assert found == Reranking((opening,), (closing,) * middle, (closing,), token_types=typed, activation="sigmoid")


def test_the_length_is_the_tokenizer_s(folder: Path) -> None:
    """Within the positions, as sentence-transformers has it."""
    assert open_checkpoint(str(folder)).max_length.value == 66
    edit_json(folder / "tokenizer_config.json", model_max_length=40)
    assert open_checkpoint(str(folder)).max_length.value == 40
    assert open_checkpoint(str(folder), max_length=30).max_length.value == 30


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({"sentence_transformers": {"activation_fn": IDENTITY}}, "identity"),
        ({"sentence_transformers": {"version": "5.0"}}, "sigmoid"),
        ({"sentence_transformers": {}, "sbert_ce_default_activation_function": "torch.nn.Identity"}, "identity"),
    ],
)
def test_scores_go_through_what_the_files_say(folder: Path, members: dict[str, object], expected: str) -> None:
    """Of this release of sentence-transformers and of older ones."""
    edit_json(folder / "config.json", **members)
    found = open_checkpoint(str(folder)).reranking
    assert found is not None
    assert found.activation == expected


def test_a_module_list_says_so_too(folder: Path) -> None:
    """As sentence-transformers 5.7 saves it; its own activation counts."""
    found = open_checkpoint(str(listed(folder))).reranking
    assert found is not None
    assert found.activation == "identity"


def test_the_encoder_alone_embeds(folder: Path) -> None:
    """Where a pooling is asked for; and so does a checkpoint of any other class."""
    assert open_checkpoint(str(folder), pooling="mean").reranking is None
    edit_json(folder / "config.json", architectures=["BertModel"])
    assert open_checkpoint(str(folder)).reranking is None
    edit_json(folder / "config.json", architectures=None)
    assert open_checkpoint(str(folder)).reranking is None


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"id2label": {"0": "a", "1": "b", "2": "c"}}, "classifies into 3 labels, a reranker has one score"),
        ({"id2label": None, "num_labels": 2}, "classifies into 2 labels"),
        ({"id2label": None}, "classifies into 2 labels"),
        ({"model_type": "deberta"}, "model_type is 'deberta', the exporter knows the classifiers of bert, distilbert,"),
        (
            {"sentence_transformers": {"activation_fn": "torch.nn.Tanh"}},
            "go through 'torch.nn.Tanh', the exporter",
        ),
        ({"sentence_transformers": {"activation_fn": "own.Sigmoid"}}, "scores go through 'own.Sigmoid'"),
        ({"type_vocab_size": 1}, "type_vocab_size is 1, and the tokenizer gives a pair's second text the type 1"),
    ],
)
def test_what_is_no_reranker_is_refused(folder: Path, members: dict[str, object], message: str) -> None:
    """With what was found and what is known."""
    edit_json(folder / "config.json", **members)
    with pytest.raises(CheckpointError, match=message):
        open_checkpoint(str(folder))


@pytest.mark.parametrize(
    ("name", "members", "message"),
    [
        ("config_sentence_transformers.json", {"default_prompt_name": "query"}, "default_prompt_name is 'query'"),
        ("config_sentence_transformers.json", {"surprise": 1}, "surprise is 1, a key that the exporter doesn't know"),
        ("sentence_bert_config.json", {"do_lower_case": True}, "do_lower_case is True, the exporter writes only False"),
        ("sentence_bert_config.json", {"module_output_name": "token_embeddings"}, "module_output_name is"),
    ],
)
def test_settings_that_change_scores_are_refused(
    folder: Path, name: str, members: dict[str, object], message: str
) -> None:
    """Of the layout with a module list."""
    edit_json(listed(folder) / name, **members)
    with pytest.raises(CheckpointError, match=message):
        open_checkpoint(str(folder))


@pytest.mark.parametrize(
    ("modules", "message"),
    [
        ("[", "modules.json is not readable JSON"),
        ("{}", "is not a list of objects"),
        ('[{"type": "other.Transformer", "path": ""}]', "lists the modules 'other.Transformer'"),
        ('[{"type": "sentence_transformers.models.Transformer", "path": "0"}]', "a single Transformer beside the list"),
    ],
)
def test_other_modules_are_refused(folder: Path, modules: str, message: str) -> None:
    """A cross-encoder may have more than a Transformer since sentence-transformers 5.4."""
    (listed(folder) / "modules.json").write_text(modules, encoding="utf-8")
    with pytest.raises(CheckpointError, match=message):
        open_checkpoint(str(folder))


def frame_of(tmp_path: Path, **template: object) -> Frame:
    """Find the frame of BERT's tokenizer with other templates."""
    values = json.loads(build_tokenizer("bert").to_str())
    values |= {"padding": None, "truncation": None}
    specials = {"[SEP]": {"id": "[SEP]", "ids": [3], "tokens": ["[SEP]"]}}
    values["post_processor"] = {"type": "TemplateProcessing", "single": [], "special_tokens": specials, **template}
    return find_frame(json.dumps(values), tmp_path)


def part(kind: str, name: str, type_id: int) -> dict[str, object]:
    """Make a part of a template."""
    return {kind: {"id": name, "type_id": type_id}}


def test_frames_that_the_runtime_does_not_make_are_refused(tmp_path: Path) -> None:
    """Texts side by side, and types of another kind; a file that isn't a tokenizer's."""
    first, second, special = part("Sequence", "A", 0), part("Sequence", "B", 1), part("SpecialToken", "[SEP]", 0)
    single = [first]
    assert frame_of(tmp_path, single=single, pair=[first, special, second]) == Frame((), (3,), (), typed=True)
    with pytest.raises(CheckpointError, match="puts no special token between two texts"):
        frame_of(tmp_path, single=single, pair=[first, second])
    with pytest.raises(CheckpointError, match="puts no special token between two texts"):
        frame_of(tmp_path, single=single, pair=[second, special, first])
    with pytest.raises(CheckpointError, match=r"the types \[0, 1, 1\], expected \[0, 0, 1\], or 0 for all"):
        frame_of(tmp_path, single=single, pair=[first, part("SpecialToken", "[SEP]", 1), second])
    with pytest.raises(CheckpointError, match="download the checkpoint again"):
        find_frame("{}", tmp_path)


@pytest.mark.parametrize("model_type", sorted(HEADS))
def test_a_classifier_is_read_by_its_names(tmp_path: Path, model_type: str) -> None:
    """Of every architecture, with an encoder beside it or below a prefix."""
    names, random = HEADS[model_type], np.random.default_rng(3)
    shapes = {
        f"{names.dense}.weight": (4, 4),
        f"{names.dense}.bias": (4,),
        f"{names.output}.weight": (1, 4),
        f"{names.output}.bias": (1,),
    }
    tensors = {name: random.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
    prefix = "bert." if names.dense == "pooler.dense" else ""
    stored = {(prefix if name.startswith(names.dense) else "") + name: value for name, value in tensors.items()}
    path = tmp_path / "model.safetensors"
    save_file(stored, path)
    config = EncoderConfig(tmp_path / "config.json", model_type, 4, 4, 1, 1, 4, 8, 8, 2, 0, 1e-5)
    head = read_head(config, path)
    np.testing.assert_array_equal(head.dense.weight, tensors[f"{names.dense}.weight"].T)
    np.testing.assert_array_equal(head.output.weight, tensors[f"{names.output}.weight"].T)
    assert head.activation == names.activation
    save_file({name: value for name, value in stored.items() if name != f"{names.output}.weight"}, path)
    with pytest.raises(CheckpointError, match=f"no tensor named {names.output}.weight"):
        read_head(config, path)


def test_types_are_told_by_what_they_add_to_a_single_text(folder: Path) -> None:
    """Type 0's vector is among the positions' already; where types don't count there is no table."""
    checkpoint = open_checkpoint(str(folder))
    weights = read_weights(checkpoint.config, checkpoint.weights)
    typed = with_head(weights, checkpoint.config, checkpoint.weights, token_types=True)
    assert typed.token_types is not None
    assert typed.token_types.shape == (2, 64)
    assert not typed.token_types[0].any()
    assert typed.token_types[1].any()
    assert with_head(weights, checkpoint.config, checkpoint.weights, token_types=False).token_types is None
