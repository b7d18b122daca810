"""What is taken from config.json, and what is refused with which words."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from biolord_export.checkpoint.config import EncoderConfig, read_encoder_config
from biolord_export.checkpoint.settings.json_files import read_int, read_json_object
from biolord_export.demo.models import reference_model
from biolord_export.errors import CheckpointError
from tiny.checkpoint import SIZES
from tiny.tokenizer import vocabulary

BERT = {
    "model_type": "bert",
    "hidden_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 128,
    "vocab_size": 300,
    "max_position_embeddings": 66,
    "type_vocab_size": 2,
    "pad_token_id": 0,
    "layer_norm_eps": 1e-12,
}


def read(folder: Path, **changes: object) -> EncoderConfig:
    """Read a BERT's config.json with some members changed; None takes a member out."""
    values = {key: value for key, value in {**BERT, **changes}.items() if value is not None}
    (folder / "config.json").write_text(json.dumps(values), encoding="utf-8")
    return read_encoder_config(folder)


def test_every_size_is_read(tiny_mpnet: Path) -> None:
    """The sizes in config.json are those of the encoder, and output_hidden_states is of no account."""
    config = read_encoder_config(tiny_mpnet)
    assert config == EncoderConfig(
        path=tiny_mpnet / "config.json",
        model_type="mpnet",
        dim=SIZES.hidden,
        embedding_dim=SIZES.hidden,
        layers=SIZES.layers,
        heads=SIZES.heads,
        inner_dim=SIZES.inner,
        vocabulary=len(vocabulary("mpnet")),
        max_positions=SIZES.positions,
        token_types=0,
        pad_id=1,
        epsilon=1e-5,
    )
    assert json.loads(config.path.read_text(encoding="utf-8"))["output_hidden_states"] is True


def test_layers_are_numbered_from_0(tiny_bert: Path) -> None:
    """The layers of a checkpoint are counted as their tensors' names count them."""
    assert list(read_encoder_config(tiny_bert).layer_range) == [0, 1]


def test_what_transformers_leaves_out_has_transformers_defaults(tmp_path: Path) -> None:
    """Without the members that older files lack, an encoder is post-norm, adds 1e-12, pads with 0, has two types."""
    config = read(tmp_path, layer_norm_eps=None, pad_token_id=None, type_vocab_size=None)
    assert (config.epsilon, config.pad_id, config.token_types) == (1e-12, 0, 2)


@pytest.mark.parametrize(
    ("key", "found", "expected"),
    [
        ("hidden_act", "relu", "gelu"),
        ("hidden_act", "gelu_new", "gelu"),
        ("position_embedding_type", "relative_key", "absolute"),
        ("relative_attention_num_buckets", 64, 32),
        ("is_decoder", True, False),
        ("is_decoder", 1, False),
        ("is_encoder_decoder", True, False),
        ("add_cross_attention", True, False),
    ],
)
def test_what_the_graph_does_not_compute_is_refused(tmp_path: Path, key: str, found: object, expected: object) -> None:
    """A variant of the architecture is refused with both values and the target that would work."""
    message = f"{tmp_path / 'config.json'}: {key} is {found!r}, the exporter writes only {expected!r}"
    with pytest.raises(CheckpointError, match=re.escape(message) + ".*convert this checkpoint"):
        read(tmp_path, **{key: found})


@pytest.mark.parametrize("key", [key for key, value in BERT.items() if isinstance(value, int)])
@pytest.mark.parametrize("value", [-1, 1.5, "768", True, [768]])
def test_a_size_that_is_no_whole_number_is_refused(tmp_path: Path, key: str, value: object) -> None:
    """Every size is checked for its type and sign, and the message shows what stands there."""
    with pytest.raises(CheckpointError, match=rf"{key} is {re.escape(repr(value))}, expected a whole number"):
        read(tmp_path, **{key: value})


@pytest.mark.parametrize("key", ["hidden_size", "num_hidden_layers", "vocab_size", "max_position_embeddings"])
def test_a_size_that_is_missing_is_refused(tmp_path: Path, key: str) -> None:
    """A size without a default is named when it is missing."""
    with pytest.raises(CheckpointError, match=f"{key} is None, expected a whole number"):
        read(tmp_path, **{key: None})


@pytest.mark.parametrize("epsilon", [0, 1, -1e-5, "1e-5", True])
def test_an_epsilon_that_is_none_is_refused(tmp_path: Path, epsilon: object) -> None:
    """What layer normalization adds to the variance lies between 0 and 1."""
    with pytest.raises(CheckpointError, match=rf"layer_norm_eps is {epsilon!r}, expected a number between 0 and 1"):
        read(tmp_path, layer_norm_eps=epsilon)


@pytest.mark.parametrize("heads", [0, 5])
def test_heads_that_do_not_divide_the_width_are_refused(tmp_path: Path, heads: int) -> None:
    """Both numbers are in the message."""
    with pytest.raises(CheckpointError, match=f"hidden_size 64 doesn't divide into {heads} num_attention_heads"):
        read(tmp_path, num_attention_heads=heads)


def test_a_folder_without_config_is_no_checkpoint(tmp_path: Path) -> None:
    """The missing file is named, with what would work."""
    with pytest.raises(CheckpointError, match=r"config\.json is missing: give a sentence-transformers folder"):
        read_encoder_config(tmp_path)


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"\xff\xfe{}", b"\xef\xbb\xbf{}", b"[" * 100_000, b"NaN,"],
    ids=["empty", "cut", "utf-16", "byte order mark", "nested", "no JSON"],
)
def test_a_corrupt_file_is_refused_in_one_line(tmp_path: Path, content: bytes) -> None:
    """Whatever the bytes are, the error names the file and is one line."""
    (tmp_path / "config.json").write_bytes(content)
    with pytest.raises(CheckpointError, match=r"config\.json is not readable JSON .*: download it again") as caught:
        read_encoder_config(tmp_path)
    assert "\n" not in str(caught.value)


def test_a_folder_in_the_place_of_the_file_is_refused(tmp_path: Path) -> None:
    """What can't be read is reported like what can't be parsed."""
    (tmp_path / "config.json").mkdir()
    with pytest.raises(CheckpointError, match="not readable JSON"):
        read_encoder_config(tmp_path)


@pytest.mark.parametrize(("content", "kind"), [("[]", "list"), ("null", "NoneType"), ('"a"', "str")])
def test_json_that_is_no_object_is_refused(tmp_path: Path, content: str, kind: str) -> None:
    """The message names the type that was found."""
    path = tmp_path / "config.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(CheckpointError, match=f"holds a JSON {kind}, expected an object"):
        read_json_object(path)


def test_a_number_has_its_default_only_where_it_is_missing() -> None:
    """A member that is there is never overruled, not even by null."""
    path = Path("config.json")
    assert read_int({}, "pad_token_id", path, default=3) == 3
    assert read_int({"pad_token_id": 0}, "pad_token_id", path, default=3) == 0
    with pytest.raises(CheckpointError, match="pad_token_id is None"):
        read_int({"pad_token_id": None}, "pad_token_id", path, default=3)


@pytest.mark.real
@pytest.mark.parametrize(
    ("name", "expected"),
    [("all-mpnet-base-v2", ("mpnet", 768, 12, 12, 3072, 1)), ("all-minilm-l6-v2", ("bert", 384, 6, 12, 1536, 0))],
)
def test_the_reference_models_are_read(name: str, expected: tuple[object, ...]) -> None:
    """The real files have the sizes that their model cards state."""
    config = read_encoder_config(reference_model(name))
    assert expected == (
        config.model_type,
        config.dim,
        config.layers,
        config.heads,
        config.inner_dim,
        config.pad_id,
    )
