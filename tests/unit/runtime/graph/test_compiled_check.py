"""What a graph of compiled operators may be: as kernels/README.md says, and as the manifest says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from biolord_onnx.artifact.folder import open_artifact
from biolord_onnx.artifact.manifest import Requirements
from biolord_onnx.encoding.model import load_tokenizer
from biolord_onnx.errors import ArtifactError
from biolord_onnx.graph.compiled_operators import COMPILED, DOMAIN
from unit.runtime.compiled_artifact import SIZES, compiled_manifest, compiled_model, write_compiled_artifact
from unit.runtime.modern_artifact import MODERN_SIZES, write_modern_artifact, write_projected_artifact
from unit.runtime.tiny_artifact import edit_manifest, write_manifest
from unit.runtime.tiny_reranker import write_tiny_reranker

Change = Callable[[onnx.ModelProto], None]
EMBED, ATTENTION, FEED_FORWARD, POOL = 0, 1, 2, -1


def refused(folder: Path, message: str) -> None:
    """Check that an artifact is refused with one line."""
    with pytest.raises(ArtifactError) as raised:
        load_tokenizer(open_artifact(folder))
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


def changed(tmp_path: Path, change: Change) -> Path:
    """Write an artifact of a changed graph."""
    model = compiled_model()
    change(model)
    return write_compiled_artifact(tmp_path / "tiny", model=model)


def constant(model: onnx.ModelProto, place: int, number: int) -> TensorProto:
    """Find the constant that an operator takes at a place."""
    name = model.graph.node[place].input[number]
    found: list[TensorProto] = [tensor for tensor in model.graph.initializer if tensor.name == name]
    return found[0]


def take(place: int, number: int, name: str) -> Change:
    """Give an operator another input."""

    def change(model: onnx.ModelProto) -> None:
        model.graph.node[place].input[number] = name

    return change


def drop(place: int, count: int) -> Change:
    """Leave an operator's last inputs out."""

    def change(model: onnx.ModelProto) -> None:
        del model.graph.node[place].input[-count:]

    return change


def append(place: int, *names: str) -> Change:
    """Give an operator more inputs."""
    return lambda model: model.graph.node[place].input.extend(names)


def retype(place: int, number: int) -> Change:
    """Have a constant be of double the bytes."""

    def change(model: onnx.ModelProto) -> None:
        tensor = constant(model, place, number)
        values = numpy_helper.to_array(tensor).astype(np.int64)
        tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))

    return change


def give(place: int, name: str, value: float) -> Change:
    """Give an operator an attribute."""
    return lambda model: model.graph.node[place].attribute.append(helper.make_attribute(name, value))


def outputs(place: int, *names: str) -> Change:
    """Name an operator's outputs otherwise."""

    def change(model: onnx.ModelProto) -> None:
        model.graph.node[place].output[:] = names

    return change


def test_a_graph_of_compiled_operators_opens(tmp_path: Path) -> None:
    """With a constant of each kind, optional ones left out or there."""
    folders = (
        write_compiled_artifact(tmp_path / "tiny"),
        write_modern_artifact(tmp_path / "modern"),
        write_projected_artifact(tmp_path / "projected"),
        write_tiny_reranker(tmp_path / "reranker"),
    )
    found = {one.kind for folder in folders for one in open_artifact(folder).graph.nodes}
    assert found == COMPILED.keys() - {"Dense", "Unit"}
    open_artifact(write_compiled_artifact(tmp_path / "four", replace(SIZES, bits=4)))
    open_artifact(write_modern_artifact(tmp_path / "modern four", replace(MODERN_SIZES, bits=4)))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (take(EMBED, 2, "input_ids"), "'biolord.Embed' 'input_ids' as input 2, expected a constant of ONNX's type 3"),
        (take(EMBED, 2, ""), "'biolord.Embed' '' as input 2, expected a constant of ONNX's type 3"),
        (take(EMBED, 0, ""), "gives the operator 'biolord.Embed' 6 inputs, expected 2 values and 4 to 4 constants"),
        (take(ATTENTION, 3, "starts"), "'biolord.Attention' 'starts' as input 3, expected a constant"),
        (take(ATTENTION, 8, "hidden"), "'biolord.Attention' 'hidden' as input 8, expected a constant of ONNX's type 1"),
        (take(ATTENTION, 7, ""), "'biolord.Attention' '' as input 7, expected a constant of ONNX's type 1"),
        (take(ATTENTION, 1, ""), "'biolord.Attention' 11 inputs, expected 2 values and 6 to 9 constants"),
        (drop(ATTENTION, 4), "'biolord.Attention' 7 inputs, expected 2 values and 6 to 9 constants"),
        (append(ATTENTION, "constant0"), "'biolord.Attention' 12 inputs, expected 2 values and 6 to 9 constants"),
        (take(FEED_FORWARD, 4, "layer1"), "'biolord.FeedForward' 'layer1' as input 4, expected a constant of"),
        (append(POOL, "hidden", "starts"), "'biolord.Pool' 4 inputs, expected 2 values and 0 to 0 constants"),
        (append(POOL, ""), "'biolord.Pool' 3 inputs, expected 2 values and 0 to 0 constants"),
        (drop(POOL, 1), "'biolord.Pool' 1 inputs, expected 2 values and 0 to 0 constants"),
        *((retype(EMBED, number), f"as input {number}, expected a constant of ONNX's type") for number in (2, 3, 4, 5)),
        *((retype(ATTENTION, number), f"as input {number}, expected") for number in range(2, 9)),
        *((retype(FEED_FORWARD, number), f"as input {number}, expected") for number in range(1, 8)),
        (outputs(EMBED, "hidden"), "takes the outputs ('hidden',) of the operator 'biolord.Embed', expected 2"),
        (outputs(EMBED, "hidden", ""), "takes the outputs ('hidden', '') of the operator 'biolord.Embed', expected 2"),
        (outputs(ATTENTION, "attended0", "more"), "of the operator 'biolord.Attention', expected 1"),
        (give(POOL, "epsilon", 0.5), "'biolord.Pool' the attributes ('mode', 'epsilon'), expected ['mode']"),
        (give(ATTENTION, "body", 1), "expected ['epsilon', 'heads', 'value_activation_bits'], each once"),
        (give(FEED_FORWARD, "groups", 1), "expected ['epsilon'], each once"),
        (lambda model: setattr(model.graph.node[ATTENTION], "op_type", "Run"), "'biolord.Run', which no export writes"),
    ],
)
def test_what_the_operators_do_not_take_is_refused(tmp_path: Path, change: Change, message: str) -> None:
    """Values where constants belong, other element types, too few inputs or too many, other attributes."""
    refused(changed(tmp_path, change), message)


@pytest.mark.parametrize("bits", [8, 16])
def test_values_may_come_of_finer_activations(tmp_path: Path, bits: int) -> None:
    """The attribute is known."""
    graph = open_artifact(changed(tmp_path, give(ATTENTION, "value_activation_bits", bits))).graph
    assert ("value_activation_bits", bits) in graph.nodes[ATTENTION].integers


def test_operators_that_the_manifest_does_not_require_are_refused(tmp_path: Path) -> None:
    """And the other way round: an installation without the library must be able to tell from the manifest."""
    folder = write_compiled_artifact(tmp_path / "tiny")
    write_manifest(folder, replace(compiled_manifest(), requires=Requirements("1.25.0", ())))
    refused(folder, "has the compiled operators biolord 1, the manifest requires none: don't use this artifact")
    stock = changed(tmp_path / "stock", lambda model: model.graph.ClearField("node"))
    refused(stock, "uses the compiled operators [] and imports ['biolord']: don't use this artifact")
    bare = changed(tmp_path / "bare", lambda model: model.opset_import.pop())
    refused(bare, "has the compiled operators none, the manifest requires biolord 1: don't use this artifact")
    write_manifest(bare, replace(compiled_manifest(), requires=Requirements("1.25.0", ())))
    refused(bare, "uses the compiled operators ['biolord'] and imports []: don't use this artifact")


def test_another_version_in_the_graph_is_refused(tmp_path: Path) -> None:
    """The manifest's is what is looked at first."""
    folder = changed(tmp_path, lambda model: setattr(model.opset_import[1], "version", 2))
    refused(folder, "has the compiled operators biolord 2, the manifest requires biolord 1")


@pytest.mark.parametrize("operators", [{"biolord": 2}, {"biolord": 1, "other": 1}, {"other": 1}])
def test_operators_of_a_later_release_ask_for_an_upgrade(tmp_path: Path, operators: dict[str, int]) -> None:
    """Whatever the graph is: nothing of it is looked at."""
    folder = write_compiled_artifact(tmp_path / "tiny")
    (folder / "model.onnx").write_bytes(b"another layout")
    write_manifest(folder, replace(compiled_manifest(), requires=Requirements("1.25.0", (), operators)))
    domain, version = next((name, number) for name, number in operators.items() if (name, number) != (DOMAIN, 1))
    refused(
        folder,
        f"the artifact needs the compiled operators {domain} {version}, this biolord-onnx has biolord 1: upgrade with "
        "pip install -U biolord-onnx",
    )


@pytest.mark.parametrize(
    ("change", "room"),
    [
        (lambda _: None, 16),
        (give(EMBED, "first_position", 2), 14),
        (give(EMBED, "first_position", -1), 16 - (2**64 - 1)),
        (lambda model: replace_constant(model, ATTENTION, 8, np.zeros((4, 19), np.float32)), 10),
        (lambda model: replace_constant(model, ATTENTION + 2, 8, np.zeros((), np.float32)), 0),
        (lambda model: replace_constant(model, EMBED, 4, np.zeros((), np.float32)), 0),
    ],
)
def test_a_limit_beyond_what_the_operators_take(tmp_path: Path, change: Change, room: int) -> None:
    """Positions, those of the bias, and 512 of any."""
    folder = changed(tmp_path, change)
    if room == 16:
        open_artifact(folder)
    edit_manifest(folder, "max_length", "value", value=17)
    refused(folder, f"max_length is 17, the graph has positions for {room} tokens")


def test_no_text_is_longer_than_the_operators_take(tmp_path: Path) -> None:
    """However many positions there are."""
    folder = write_compiled_artifact(tmp_path / "tiny", replace(SIZES, positions=600))
    edit_manifest(folder, "max_length", "value", value=513)
    refused(folder, "max_length is 513, the graph has positions for 512 tokens")


def test_a_limit_beyond_the_turns_of_positions(tmp_path: Path) -> None:
    """As many as the table has, and 8,192 of any."""
    for positions, room in ((16, 16), (8200, 8192)):
        folder = write_modern_artifact(tmp_path / str(positions), replace(MODERN_SIZES, positions=positions))
        open_artifact(folder)
        edit_manifest(folder, "max_length", "value", value=room + 1)
        refused(folder, f"max_length is {room + 1}, the graph has positions for {room} tokens")


def test_tokens_and_widths_of_graphs_without_positions(tmp_path: Path) -> None:
    """Rows are as wide as the projection makes them; the table is EmbedTokens' own, and nothing counts positions."""
    open_artifact(write_projected_artifact(tmp_path / "right"))
    folder = write_projected_artifact(tmp_path / "wide")
    edit_manifest(folder, "dim", value=64)
    refused(folder, "dim is 64, the graph's tokens have 128 numbers")
    few = replace(MODERN_SIZES, vocabulary=SIZES.vocabulary - 1)
    refused(write_modern_artifact(tmp_path / "few", few), f"the graph has {SIZES.vocabulary - 1} tokens")


def replace_constant(model: onnx.ModelProto, place: int, number: int, values: NDArray[np.float32]) -> None:
    """Put other numbers in a constant's place, under a name of their own."""
    name = f"other{place}.{number}"
    model.graph.initializer.append(numpy_helper.from_array(values, name))
    model.graph.node[place].input[number] = name


def test_vectors_of_another_width(tmp_path: Path) -> None:
    """Nobody infers the shapes of these operators: what the graph declares is what it says of itself."""
    folder = write_compiled_artifact(tmp_path / "tiny")
    edit_manifest(folder, "dim", value=128)
    refused(folder, "dim is 128, the graph's tokens have 64 numbers")
    scalar = np.zeros((), np.int8)

    def flatten(model: onnx.ModelProto) -> None:
        model.graph.initializer.append(numpy_helper.from_array(scalar, "flat"))
        model.graph.node[EMBED].input[2] = "flat"

    refused(changed(tmp_path / "flat", flatten), "dim is 64, the graph's tokens have 0 numbers")


def test_tokens_beyond_the_table(tmp_path: Path) -> None:
    """It is found by the operator that takes it, whatever it is called."""
    folder = write_compiled_artifact(tmp_path / "tiny", replace(SIZES, vocabulary=SIZES.vocabulary - 1))
    refused(folder, f"the graph has {SIZES.vocabulary - 1} tokens")
