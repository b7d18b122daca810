"""Whatever the exporter writes is what the runtime lists; portable graphs of real traces are opened in tests/real."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import onnx
import pytest

from biolord_export.checkpoint.architectures import read_weights
from biolord_export.checkpoint.config import read_encoder_config
from biolord_export.checkpoint.head.pooling import Pooling
from biolord_export.checkpoint.source import open_checkpoint
from biolord_export.graph.builder import FLOAT16
from biolord_export.graph.encoder import emit_encoder
from biolord_export.kernels.graph import emit_integer_encoder
from biolord_export.reranking.pipeline import read_cross_weights
from biolord_export.targets import TARGETS
from biolord_onnx.artifact.folder import open_artifact
from biolord_onnx.graph.operators import OPERATORS
from tiny.checkpoint import write_checkpoint
from tiny.cross_encoder import write_cross_encoder
from unit.export.fixtures import Exported
from unit.export.kernels.rounding import round_encoder
from unit.export.places import Place

AUTHORED = [name for name in TARGETS if not name.startswith("portable-")]


def used(folder: Path) -> dict[tuple[str, str], set[str]]:
    """Walk a graph with the onnx library: its operators with their attributes."""
    model = onnx.load(folder / "model.onnx", load_external_data=False)
    found: dict[tuple[str, str], set[str]] = {}
    for node in model.graph.node:
        found.setdefault((node.domain, node.op_type), set()).update(attribute.name for attribute in node.attribute)
    return found


@pytest.mark.parametrize("target", AUTHORED)
@pytest.mark.parametrize("architecture", ["mpnet", "bert"])
def test_what_is_exported_is_listed(exported: Callable[[str, str], Exported], architecture: str, target: str) -> None:
    """A new operator in the exporter fails here until `biolord_onnx.graph.operators` lists it; so does an attribute."""
    folder = exported(architecture, target).path
    for operator, attributes in used(folder).items():
        assert operator in OPERATORS
        assert attributes <= OPERATORS[operator]
    assert open_artifact(folder).graph.nodes


def cross_encoder(folder: Path) -> Path:
    """Write the graph of a tiny cross-encoder in whole numbers, rounded to the nearest."""
    checkpoint = open_checkpoint(str(write_cross_encoder(folder / "model")))
    weights = read_cross_weights(checkpoint)
    graph = emit_integer_encoder(weights, round_encoder(weights), checkpoint.pooling, checkpoint.max_length.value)
    return graph.save(folder).parent


def written(checkpoint: Path, folder: Path) -> list[Path]:
    """Write the graphs of cpu-fp32, cuda-fp16 and cpu-int8 of a checkpoint, without measuring anything."""
    weights = read_weights(read_encoder_config(checkpoint), checkpoint / "model.safetensors")
    mean = Pooling("mean", normalize=False)
    graphs = (
        emit_encoder(weights, mean).builder,
        emit_encoder(weights, mean, FLOAT16).builder,
        emit_integer_encoder(weights, round_encoder(weights, value_bits=16), mean, weights.max_positions),
    )
    places = [folder / str(number) for number in range(len(graphs))]
    for place, graph in zip(places, graphs, strict=True):
        place.mkdir(parents=True)
        graph.save(place)
    return places


def test_no_operator_of_onnxruntime_s_own_is_listed_in_vain(
    exported: Callable[[str, str], Exported], tiny_electra: Path, tiny_modernbert: Path, tmp_path: Path, place: Place
) -> None:
    """A list that only grows would let graphs in that no export writes any more; and what is written is in it."""
    model = write_checkpoint(tmp_path / "dense", dense=True, normalize=True)
    assert place.export(model, "--accept-below-gate").code == 0
    folders = [place.out, *(exported("mpnet", target).path for target in ("cpu-fp32", "cpu-int8"))]
    folders += [*written(tiny_electra, tmp_path / "electra"), *written(tiny_modernbert, tmp_path / "modernbert")]
    folders.append(cross_encoder(tmp_path))
    found = [operator for folder in folders for operator in used(folder).items()]
    assert {operator for operator in OPERATORS if operator[0]} == {operator for operator, _ in found if operator[0]}
    assert all(attributes <= OPERATORS[operator] for operator, attributes in found)


def test_what_is_exported_of_cross_encoders_is_listed(tmp_path: Path) -> None:
    """Of stock operators and of compiled ones, with their attributes."""
    plain = tmp_path / "plain"
    plain.mkdir()
    checkpoint = open_checkpoint(str(write_cross_encoder(tmp_path / "model")))
    emit_encoder(read_cross_weights(checkpoint), checkpoint.pooling).builder.save(plain)
    for folder in (plain, cross_encoder(tmp_path)):
        for operator, attributes in used(folder).items():
            assert attributes <= OPERATORS[operator]


def test_what_is_exported_of_other_tokenizers_opens(place: Place, tmp_path: Path) -> None:
    """XLM-R's, whose graph counts positions otherwise, and whose pieces have a table."""
    model = write_checkpoint(tmp_path / "model", architecture="xlm-roberta")
    assert place.export(model, "--target", "cpu-fp32").code == 0
    assert open_artifact(place.out).pieces_path
