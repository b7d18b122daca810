"""Where each architecture keeps its weights, and the bias that sets MPNet apart."""

from __future__ import annotations

import json
import re
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from biolord_export.checkpoint.architectures import READERS, check_architecture, read_weights
from biolord_export.checkpoint.architectures.mpnet import BUCKETS, relative_buckets
from biolord_export.checkpoint.config import read_encoder_config
from biolord_export.checkpoint.weights import EncoderWeights, Reach
from biolord_export.errors import CheckpointError
from parity.reference import relative_bucket
from tiny.checkpoint import SIZES, write_checkpoint
from tiny.tokenizer import vocabulary, write_json
from tiny.weights import LAYER_NAMES

ARCHITECTURES = ("bert", "mpnet", "xlm-roberta", "camembert", "distilbert", "electra", "modernbert")
FAR_LEFT = -511
RECORDED_STARTS = {
    -511: 15,
    -90: 14,
    -63: 13,
    -45: 12,
    -31: 11,
    -22: 10,
    -15: 9,
    -11: 8,
    -7: 7,
    -6: 6,
    -5: 5,
    -4: 4,
    -3: 3,
    -2: 2,
    -1: 1,
    0: 0,
    1: 17,
    2: 18,
    3: 19,
    4: 20,
    5: 21,
    6: 22,
    7: 23,
    8: 24,
    12: 25,
    16: 26,
    23: 27,
    32: 28,
    46: 29,
    64: 30,
    91: 31,
}
"""transformers 4.57.6, MPNetEncoder.relative_position_bucket: the first distance of each run of equal buckets."""


def read(folder: Path) -> EncoderWeights:
    """Read a checkpoint's weights."""
    return read_weights(read_encoder_config(folder), folder / "model.safetensors")


def change_config(folder: Path, key: str, value: object) -> None:
    """Set one member of config.json."""
    path = folder / "config.json"
    values = json.loads(path.read_text(encoding="utf-8"))
    write_json(path, values | {key: value})


def raw(folder: Path) -> dict[str, NDArray[np.float32]]:
    """Read a checkpoint's tensors as they are."""
    return dict(load_file(folder / "model.safetensors"))


def test_buckets_follow_the_definition() -> None:
    """Every distance that a text of 512 tokens has is in the bucket that whole numbers give."""
    distances = np.arange(-1000, 1001)
    np.testing.assert_array_equal(relative_buckets(distances), [relative_bucket(one) for one in distances.tolist()])


def test_buckets_are_those_of_transformers() -> None:
    """The recorded table of transformers, which computes a logarithm in float32, is met at every distance."""
    edges = [*RECORDED_STARTS.items(), (-FAR_LEFT + 1, -1)]
    expected = [bucket for (start, bucket), (end, _) in pairwise(edges) for _ in range(start, end)]
    np.testing.assert_array_equal(relative_buckets(np.arange(FAR_LEFT, -FAR_LEFT + 1)), expected)


def test_every_bucket_is_in_use_and_they_grow_with_distance() -> None:
    """Farther tokens never have a nearer bucket, and no row of the table is dead but the one to the right at 0."""
    buckets = relative_buckets(np.arange(-511, 512))
    assert set(buckets.tolist()) == set(range(BUCKETS)) - {BUCKETS // 2}
    assert (np.diff(buckets[:512]) <= 0).all()
    assert (np.diff(buckets[512:]) >= 0).all()


def test_the_bias_by_distance_is_the_table_of_the_checkpoint(tiny_mpnet: Path) -> None:
    """Column `positions - 1 + (key - query)` holds that distance's row of the checkpoint's table, for every head."""
    weights = read(tiny_mpnet)
    table = raw(tiny_mpnet)["encoder.relative_attention_bias.weight"]
    bias = weights.relative_bias
    assert bias is not None
    assert bias.shape == (SIZES.heads, 2 * weights.max_positions - 1)
    for query in range(weights.max_positions):
        for key in (0, query, weights.max_positions - 1):
            column = weights.max_positions - 1 + key - query
            np.testing.assert_array_equal(bias[:, column], table[relative_bucket(key - query)])


def test_mpnet_is_read(tiny_mpnet: Path) -> None:
    """MPNet's positions begin behind the padding's row and count the tokens that aren't padding."""
    weights, tensors = read(tiny_mpnet), raw(tiny_mpnet)
    assert (weights.architecture, weights.positions, weights.first_position) == ("mpnet", "non_pad", 2)
    assert (weights.pad_id, weights.heads, weights.max_positions) == (1, SIZES.heads, SIZES.positions - 2)
    np.testing.assert_array_equal(weights.word_embeddings, tensors["embeddings.word_embeddings.weight"])
    np.testing.assert_array_equal(weights.position_embeddings, tensors["embeddings.position_embeddings.weight"])


def test_bert_is_read(tiny_bert: Path) -> None:
    """BERT's positions are indices, and the vector of token type 0 is in every one of them."""
    weights, tensors = read(tiny_bert), raw(tiny_bert)
    assert (weights.architecture, weights.positions, weights.first_position) == ("bert", "index", 0)
    assert (weights.pad_id, weights.relative_bias, weights.max_positions) == (0, None, SIZES.positions)
    types = tensors["embeddings.token_type_embeddings.weight"]
    expected = tensors["embeddings.position_embeddings.weight"] + types[0]
    np.testing.assert_array_equal(weights.position_embeddings, expected)


@pytest.mark.parametrize("model_type", ["xlm-roberta", "roberta"])
def test_roberta_and_xlm_r_are_read(tmp_path: Path, model_type: str) -> None:
    """Positions count as MPNet's do, from behind the padding's; the vector of the one token type is in all of them."""
    write_checkpoint(tmp_path, architecture="xlm-roberta")
    change_config(tmp_path, "model_type", model_type)
    weights, tensors = read(tmp_path), raw(tmp_path)
    assert (weights.architecture, weights.positions, weights.first_position) == (model_type, "non_pad", 2)
    assert (weights.pad_id, weights.relative_bias, weights.max_positions) == (1, None, SIZES.positions - 2)
    types = tensors["embeddings.token_type_embeddings.weight"]
    expected = tensors["embeddings.position_embeddings.weight"] + types[0]
    np.testing.assert_array_equal(weights.position_embeddings, expected)


def test_xlm_rs_positions_begin_behind_its_own_padding(tmp_path: Path) -> None:
    """Unlike MPNet's, they follow config.json's pad_token_id; where it says nothing, that is 1."""
    write_checkpoint(tmp_path, architecture="xlm-roberta")
    change_config(tmp_path, "pad_token_id", 4)
    assert (read(tmp_path).pad_id, read(tmp_path).first_position) == (4, 5)
    config = json.loads((tmp_path / "config.json").read_text(encoding="utf-8"))
    del config["pad_token_id"]
    write_json(tmp_path / "config.json", config)
    assert (read(tmp_path).pad_id, read(tmp_path).first_position) == (1, 2)


@pytest.mark.parametrize("architecture", LAYER_NAMES)
def test_each_layer_is_read_from_its_own_names(tmp_path: Path, architecture: str) -> None:
    """Every tensor of every layer is where the graph expects it, linear layers turned, epsilon from config.json."""
    weights, tensors = read(write_checkpoint(tmp_path, architecture=architecture)), raw(tmp_path)
    assert len(weights.layers) == SIZES.layers
    epsilon, names = read_encoder_config(tmp_path).epsilon, LAYER_NAMES[architecture]
    *qkv, output = names.qkvo
    for number, layer in enumerate(weights.layers):
        own = {name.removeprefix(f"{names.layer}.{number}."): value for name, value in tensors.items()}
        np.testing.assert_array_equal(layer.qkv.weight, np.concatenate([own[f"{name}.weight"].T for name in qkv], 1))
        np.testing.assert_array_equal(layer.qkv.bias, np.concatenate([own[f"{name}.bias"] for name in qkv]))
        for linear, name in ((layer.attention_output, output), (layer.fc1, names.first), (layer.fc2, names.second)):
            np.testing.assert_array_equal(linear.weight, own[f"{name}.weight"].T)
            np.testing.assert_array_equal(linear.bias, own[f"{name}.bias"])
        for scale, name in ((layer.attention_norm, names.attention_norm), (layer.output_norm, names.output_norm)):
            np.testing.assert_array_equal(scale.weight, own[f"{name}.weight"])
            np.testing.assert_array_equal(scale.bias, own[f"{name}.bias"])
            assert scale.epsilon == epsilon


def test_electra_s_shorter_embeddings_are_projected(tiny_electra: Path) -> None:
    """Tables are as long as config.json's embedding_size, token vectors as hidden_size says."""
    weights, tensors = read(tiny_electra), raw(tiny_electra)
    assert weights.word_embeddings.shape[1] == weights.position_embeddings.shape[1] == 64
    assert weights.dim == 128
    assert weights.projection is not None
    np.testing.assert_array_equal(weights.projection.weight, tensors["embeddings_project.weight"].T)
    np.testing.assert_array_equal(weights.projection.bias, tensors["embeddings_project.bias"])


def test_common_names_of_sizes_overrule_distilbert_s_own(tmp_path: Path) -> None:
    """As transformers' attribute map has it."""
    write_checkpoint(tmp_path, architecture="distilbert")
    change_config(tmp_path, "num_hidden_layers", 1)
    assert len(read(tmp_path).layers) == 1


def test_modernbert_is_read(tiny_modernbert: Path) -> None:
    """No layer but the first lacks a normalization of its input, which is the one behind the layer before."""
    weights, tensors = read(tiny_modernbert), raw(tiny_modernbert)
    assert weights.modern is not None
    near, far = Reach(10_000, 8), Reach(160_000, None)
    assert weights.modern.reaches == (far, near, near, far)
    assert (weights.max_positions, weights.position_embeddings.size) == (SIZES.positions, 0)
    norms = ["layers.1.attn_norm", "layers.2.attn_norm", "layers.3.attn_norm", "final_norm"]
    for number, (layer, norm) in enumerate(zip(weights.layers, norms, strict=True)):
        name = f"layers.{number}"
        np.testing.assert_array_equal(layer.output_norm.weight, tensors[f"{norm}.weight"])
        np.testing.assert_array_equal(layer.attention_norm.weight, tensors[f"{name}.mlp_norm.weight"])
        np.testing.assert_array_equal(layer.qkv.weight, tensors[f"{name}.attn.Wqkv.weight"].T)
        np.testing.assert_array_equal(layer.fc1.weight, tensors[f"{name}.mlp.Wi.weight"].T)
        assert not layer.qkv.bias.any()


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"global_attn_every_n_layers": 2}, "fnfn"),
        ({"layer_types": ["sliding_attention", *["full_attention"] * 3]}, "nfff"),
    ],
)
def test_which_layers_see_only_near_tokens(tmp_path: Path, changes: dict[str, object], expected: str) -> None:
    """Release 4 of transformers counts layers, 5 lists them."""
    write_checkpoint(tmp_path, architecture="modernbert")
    for key, value in changes.items():
        change_config(tmp_path, key, value)
    modern = read(tmp_path).modern
    assert modern is not None
    assert "".join("f" if reach.window is None else "n" for reach in modern.reaches) == expected


@pytest.mark.parametrize(
    ("changes", "thetas"),
    [
        ({"global_rope_theta": 500.0, "local_rope_theta": None}, (500, 500)),
        ({"global_rope_theta": 500, "local_rope_theta": 20.0}, (500, 20)),
        (
            {
                "rope_parameters": {
                    "full_attention": {"rope_type": "default", "rope_theta": 7.0},
                    "sliding_attention": {"rope_type": "default", "rope_theta": 9.0},
                }
            },
            (7, 9),
        ),
    ],
)
def test_bases_of_rotary_angles(tmp_path: Path, changes: dict[str, object], thetas: tuple[float, float]) -> None:
    """Release 5 of transformers keeps them in rope_parameters."""
    write_checkpoint(tmp_path, architecture="modernbert")
    for key, value in changes.items():
        change_config(tmp_path, key, value)
    modern = read(tmp_path).modern
    assert modern is not None
    assert (modern.reaches[0].theta, modern.reaches[1].theta) == thetas


@pytest.mark.parametrize(
    ("key", "value", "problem"),
    [
        ("global_attn_every_n_layers", 0, "global_attn_every_n_layers is 0, expected at least 1"),
        ("layer_types", ["full_attention"], "for each of 4 layers"),
        ("layer_types", ["full_attention"] * 3 + ["chunked_attention"], "for each of 4 layers"),
        ("global_rope_theta", "big", "global_rope_theta is 'big', expected a number above 1"),
        ("rope_parameters", {"full_attention": {"rope_type": "yarn"}}, "expected rope_type default and rope_theta"),
        ("rope_scaling", {"type": "linear"}, "rope_scaling is"),
        ("rope_theta", 5.0, "rope_theta is 5.0"),
        ("hidden_activation", "relu", "hidden_activation is 'relu'"),
        ("mlp_bias", 1, "mlp_bias is 1, expected true or false"),
        ("norm_eps", 0, "norm_eps is 0, expected a number between 0 and 1"),
    ],
)
def test_what_modernbert_s_config_may_not_say(tmp_path: Path, key: str, value: object, problem: str) -> None:
    """Whatever would change vectors is refused by name."""
    write_checkpoint(tmp_path, architecture="modernbert")
    change_config(tmp_path, key, value)
    with pytest.raises(CheckpointError, match=re.escape(problem)):
        read(tmp_path)


def test_modernbert_s_biases_are_read_where_config_says_so(tmp_path: Path) -> None:
    """Weights of such a checkpoint are there; without them it is incomplete."""
    write_checkpoint(tmp_path, architecture="modernbert")
    for key, name in (
        ("attention_bias", "layers.0.attn.Wqkv.bias"),
        ("mlp_bias", "layers.0.mlp.Wi.bias"),
        ("norm_bias", "embeddings.norm.bias"),
    ):
        change_config(tmp_path, key, value=True)
        with pytest.raises(CheckpointError, match=f"has no tensor {name}"):
            read(tmp_path)
        change_config(tmp_path, key, value=False)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_prefix_changes_nothing(tmp_path: Path, architecture: str) -> None:
    """A checkpoint saved inside a bigger model has the same weights under longer names."""
    bare = read(write_checkpoint(tmp_path / "bare", architecture=architecture))
    longer = read(write_checkpoint(tmp_path / "longer", architecture=architecture, prefix=f"{architecture}."))
    np.testing.assert_array_equal(bare.word_embeddings, longer.word_embeddings)
    np.testing.assert_array_equal(bare.layers[1].fc2.weight, longer.layers[1].fc2.weight)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_half_precision_is_widened(tmp_path: Path, architecture: str) -> None:
    """A float16 checkpoint gives float32 weights of the same values."""
    weights = read(write_checkpoint(tmp_path, architecture=architecture, half=True))
    name = "tok" if architecture == "modernbert" else "word"
    stored = raw(tmp_path)[f"embeddings.{name}_embeddings.weight"]
    assert stored.dtype == np.float16
    assert weights.word_embeddings.dtype == np.float32
    np.testing.assert_array_equal(weights.word_embeddings, stored.astype(np.float32))


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_what_no_vector_depends_on_need_not_be_there(tmp_path: Path, architecture: str) -> None:
    """Checkpoints without the pooler or with other buffers are whole."""
    write_checkpoint(tmp_path, architecture=architecture)
    kept = {name: value for name, value in raw(tmp_path).items() if "pooler" not in name and "_ids" not in name}
    save_file(kept, tmp_path / "model.safetensors")
    read(tmp_path)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_every_other_tensor_must_be_there(tmp_path: Path, architecture: str) -> None:
    """Whichever tensor is missing, the checkpoint is refused, and the tensor named."""
    write_checkpoint(tmp_path, architecture=architecture)
    tensors = raw(tmp_path)
    needed = [name for name in tensors if "pooler" not in name and "_ids" not in name]
    for name in needed:
        save_file({key: value for key, value in tensors.items() if key != name}, tmp_path / "model.safetensors")
        with pytest.raises(CheckpointError, match=f"has no tensor (named )?{re.escape(name)}: "):
            read(tmp_path)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("hidden_size", 128),
        ("intermediate_size", 64),
        ("vocab_size", 30527),
        ("max_position_embeddings", 514),
        ("num_hidden_layers", 5),
    ],
)
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_config_of_another_checkpoint_is_found_out(tmp_path: Path, architecture: str, key: str, value: int) -> None:
    """Sizes that the tensors don't have are refused; rotary positions are no tensor."""
    if (architecture, key) == ("modernbert", "max_position_embeddings"):
        key = "intermediate_size"
    if (architecture, key) == ("distilbert", "intermediate_size"):
        key = "hidden_dim"
    write_checkpoint(tmp_path, architecture=architecture)
    change_config(tmp_path, key, value)
    with pytest.raises(CheckpointError, match=r"don't belong together|is incomplete"):
        read(tmp_path)


def test_fewer_layers_than_the_file_has_are_what_config_says(tmp_path: Path) -> None:
    """Transformers builds as many layers as config.json states, so the exporter does."""
    write_checkpoint(tmp_path)
    change_config(tmp_path, "num_hidden_layers", 1)
    assert len(read(tmp_path).layers) == 1


def test_heads_that_the_bias_table_lacks_are_found_out(tmp_path: Path) -> None:
    """MPNet's bias has a column a head."""
    write_checkpoint(tmp_path)
    change_config(tmp_path, "num_attention_heads", 8)
    with pytest.raises(CheckpointError, match=r"relative_attention_bias\.weight in .* has shape \[32, 4\]"):
        read(tmp_path)


def test_mpnet_counts_its_padding_by_1_whatever_config_says(tmp_path: Path) -> None:
    """Transformers' MPNet has the id built in; another pad_token_id in config.json moves no position."""
    write_checkpoint(tmp_path)
    change_config(tmp_path, "pad_token_id", 0)
    assert read(tmp_path).pad_id == 1


@pytest.mark.parametrize("found", ["albert", "llama", "", "MPNet"])
def test_an_unknown_architecture_is_refused_with_the_known_ones(tmp_path: Path, found: str) -> None:
    """The message names what was found and what can be converted, before the weights are opened."""
    write_checkpoint(tmp_path)
    change_config(tmp_path, "model_type", found)
    (tmp_path / "model.safetensors").unlink()
    message = re.escape(
        f"{tmp_path / 'config.json'}: model_type is {found!r}, the exporter knows {', '.join(sorted(READERS))}"
    )
    with pytest.raises(CheckpointError, match=message):
        check_architecture(read_encoder_config(tmp_path))
    with pytest.raises(CheckpointError, match=message):
        read(tmp_path)


def test_weights_of_the_other_architecture_are_refused(tmp_path: Path, tiny_bert: Path) -> None:
    """An MPNet's config.json beside a BERT's weights is found out by the first tensor that differs."""
    write_checkpoint(tmp_path)
    change_config(tmp_path, "vocab_size", len(vocabulary("bert")))
    with pytest.raises(CheckpointError, match=r"has no tensor encoder\.relative_attention_bias\.weight"):
        read_weights(read_encoder_config(tmp_path), tiny_bert / "model.safetensors")
