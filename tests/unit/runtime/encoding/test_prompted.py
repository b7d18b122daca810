"""Prompts in front of texts: named, given, the artifact's default; for queries and documents."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray

from biolord_onnx.artifact.manifest import LEFT
from biolord_onnx.artifact.prompts import Prompts
from biolord_onnx.embedder import Embedder
from biolord_onnx.encode_options import EncodeOptions
from biolord_onnx.errors import ArtifactError, InputError
from kernels import reference
from kernels.encoder import Encoder as EncoderWeights
from unit.runtime.compiled_artifact import SIZES, compiled_manifest, compiled_model, write_compiled_artifact
from unit.runtime.tiny_artifact import MAX_LENGTH, tiny_manifest, write_manifest, write_tiny_artifact

TEXTS = {"query": "cat of ", "document": "", "cluster": "fever: "}
PROMPTS = Prompts(TEXTS, default="cluster")


@pytest.fixture(scope="module")
def prompted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Embedder]:
    """Give an embedder of an artifact with prompts."""
    folder = tmp_path_factory.mktemp("prompted") / "tiny"
    write_tiny_artifact(folder, replace(tiny_manifest(), prompts=PROMPTS))
    with Embedder.load(folder, threads=1) as loaded:
        yield loaded


def test_a_prompt_is_text_in_front(prompted: Embedder, embedder: Embedder) -> None:
    """By name, as given, or the default; an empty one is none."""
    plain = embedder.encode
    for found, text in (
        (prompted.encode("bite"), "fever: bite"),
        (prompted.encode("bite", prompt_name="query"), "cat of bite"),
        (prompted.encode("bite", prompt="the "), "the bite"),
        (prompted.encode("bite", prompt=""), "bite"),
        (prompted.encode_query("bite"), "cat of bite"),
        (prompted.encode_document("bite"), "bite"),
        (prompted.encode_query("bite", prompt="the "), "the bite"),
        (prompted.encode_document("bite", prompt_name="query"), "cat of bite"),
        (next(prompted.encode_stream(["bite"], prompt_name="query"))[0], "cat of bite"),
        (embedder.encode_query("bite"), "bite"),
        (EncodeOptions(prompt_name="query").encode(prompted, ["bite"]).vectors[0], "cat of bite"),
        (EncodeOptions().for_prompt(prompted, "query").encode(prompted, ["bite"]).vectors[0], "cat of bite"),
        (EncodeOptions(prompt="").for_prompt(prompted, "query").encode(prompted, ["bite"]).vectors[0], "bite"),
        (EncodeOptions().for_prompt(prompted, "passage").encode(prompted, ["bite"]).vectors[0], "fever: bite"),
    ):
        np.testing.assert_array_equal(found, plain(text), err_msg=text)


def test_tokens_of_the_prompt_count(prompted: Embedder, embedder: Embedder) -> None:
    """They take room, too."""
    assert prompted.count_tokens("bite") == embedder.count_tokens("fever: bite")
    assert prompted.count_tokens("bite", prompt="") == embedder.count_tokens("bite")
    assert prompted.count_tokens("bite", prompt_name="query") == embedder.count_tokens("cat of bite")
    assert prompted.encode_with_info("bite").token_counts == prompted.count_tokens("bite")


@pytest.mark.parametrize("method", ["encode", "encode_query", "encode_with_info", "count_tokens"])
def test_an_unknown_name_is_refused(prompted: Embedder, method: str) -> None:
    """With those that there are, unless the artifact has none."""
    if method != "encode_query":
        with pytest.raises(InputError, match=r"prompt_name is 'x', the artifact has the prompts: 'query', 'document'"):
            getattr(prompted, method)("bite", prompt_name="x")
    with pytest.raises(InputError, match=r"prompt is 'a' and prompt_name 'query': give one of them"):
        getattr(prompted, method)("bite", prompt="a", prompt_name="query")


def test_an_artifact_without_prompts_says_so(embedder: Embedder) -> None:
    """Rather than listing nothing."""
    with pytest.raises(InputError, match=re.escape("prompt_name is 'query', the artifact has the prompts: none")):
        embedder.encode("bite", prompt_name="query")


def test_a_prompt_that_is_no_text_is_refused(embedder: Embedder) -> None:
    """A lone surrogate would panic in the tokenizer."""
    with pytest.raises(InputError, match="lone surrogate"):
        embedder.encode("bite", prompt="\ud800")


def test_the_end_of_long_texts(tmp_path: Path, embedder: Embedder) -> None:
    """Of an artifact whose checkpoint cuts the beginning off."""
    folder = write_tiny_artifact(tmp_path / "tiny", replace(tiny_manifest(), truncation_side=LEFT))
    text = "fever " * 9 + "cat dog bite " * 4 + "heart of"
    with Embedder.load(folder, threads=1) as loaded:
        info = loaded.encode_with_info([text, "cat dog"])
        np.testing.assert_array_equal(info.vectors[0], embedder.encode("cat dog bite " * 4 + "heart of"))
        np.testing.assert_array_equal(info.vectors[1], embedder.encode("cat dog"))
        assert info.truncated.tolist() == [True, False]


WEIGHTS = EncoderWeights.random(SIZES, 1)


@pytest.fixture(scope="module")
def unpooled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give an artifact that doesn't pool its prompts."""
    model = compiled_model(SIZES, 1)
    model.graph.input.append(onnx.helper.make_tensor_value_info("skipped_tokens", onnx.TensorProto.INT64, [1]))
    next(node for node in model.graph.node if node.op_type == "Pool").input.append("skipped_tokens")
    folder = write_compiled_artifact(tmp_path_factory.mktemp("unpooled") / "tiny", model=model)
    write_manifest(folder, replace(compiled_manifest(), prompts=replace(PROMPTS, pooled=False)))
    return folder


def mean_behind(skipped: int, ids: list[int]) -> NDArray[np.float64]:
    """Average a text's token vectors but for the first."""
    x = reference.embed(WEIGHTS, np.array(ids))
    for layer in WEIGHTS.layers:
        x = reference.feed_forward(WEIGHTS, layer, reference.attention(WEIGHTS, layer, x))
    return np.asarray(x[skipped:].mean(axis=0))


def test_tokens_of_a_prompt_that_is_not_pooled_are_left_out(unpooled: Path) -> None:
    """They are attended to all the same; of prompts of several lengths, by one embedder."""
    with Embedder.load(unpooled, threads=1) as loaded:
        tokenize = loaded._open("encode").tokenizer.tokenize
        for prompt, skipped in (("cat of ", 3), ("fever: ", 3), ("the ", 2), ("", 0)):
            found = loaded.encode(["bite of the dog", "heart"], prompt=prompt)
            ids = tokenize([f"{prompt}bite of the dog", f"{prompt}heart"], MAX_LENGTH).ids
            np.testing.assert_allclose(found, [mean_behind(skipped, one) for one in ids], atol=0.05)
        assert np.abs(loaded.encode("heart") - loaded.encode("fever: heart", prompt="")).max() > 0.05


def test_a_prompt_that_leaves_nothing_is_refused(unpooled: Path) -> None:
    """And so are windows, of which only the first begins with the prompt."""
    with Embedder.load(unpooled, threads=1) as loaded:
        with pytest.raises(InputError, match=r"the prompt has 21 tokens, which aren't pooled, and a text 16 at most"):
            loaded.encode("heart", prompt="cat " * 20)
        with pytest.raises(InputError, match=r"overflow is 'window', but the checkpoint doesn't pool its prompt"):
            loaded.encode("heart", overflow="window")
        assert loaded.encode("heart", overflow="window", prompt="").shape == (SIZES.dim,)


def test_a_graph_that_pools_everything_does_not_fit(tmp_path: Path) -> None:
    """The manifest and the graph's inputs must agree."""
    folder = write_compiled_artifact(tmp_path / "tiny")
    write_manifest(folder, replace(compiled_manifest(), prompts=replace(PROMPTS, pooled=False)))
    with pytest.raises(ArtifactError, match=r"expected \['attention_mask', 'input_ids', 'skipped_tokens'\]"):
        Embedder.load(folder)
