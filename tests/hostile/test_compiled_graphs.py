"""Damaged graphs of the compiled operators: refused in a line, by us or by the operators, or they give vectors.

Each case follows from its seed and number, which a failure tells. A wild read would end the process.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest

from biolord_onnx.artifact.folder import open_artifact
from biolord_onnx.artifact.manifest import Manifest
from biolord_onnx.embedder import Embedder
from biolord_onnx.encoding.precision import Vectors
from biolord_onnx.errors import BiolordError
from biolord_onnx.reranker import Reranker
from hostile.fuzzing import HOSTILE_NUMBERS, cases, mutate_graph, mutate_json
from unit.runtime.compiled_artifact import SIZES, compiled_manifest
from unit.runtime.modern_artifact import write_modern_artifact
from unit.runtime.tiny_artifact import write_manifest
from unit.runtime.tiny_reranker import reranker_manifest, write_tiny_reranker

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("coverage_paused")]
TEXTS = ["cat scratch", "fever of the heart", ""]


def rearrange(data: bytes, chance: random.Random) -> bytes:
    """Give an operator another's inputs or numbers, or a constant another shape of the same size."""
    model = onnx.ModelProto.FromString(data)
    nodes, tensors = model.graph.node, model.graph.initializer
    names = [name for node in nodes for name in (*node.input, *node.output)]
    match chance.randrange(5):
        case 0:
            node = chance.choice(nodes)
            node.input[chance.randrange(len(node.input))] = chance.choice(names)
        case 1:
            attribute = chance.choice([one for node in nodes for one in node.attribute])
            attribute.i, attribute.type = chance.choice(HOSTILE_NUMBERS) % 2**63, onnx.AttributeProto.INT
        case 2:
            tensor = chance.choice(tensors)
            if len(tensor.dims) > 1:
                tensor.dims[:] = chance.sample(list(tensor.dims), len(tensor.dims))
        case 3:
            at = chance.randrange(len(nodes))
            node = nodes[at]
            nodes.insert(chance.randrange(len(nodes)), node)
        case _:
            one, other = chance.sample(range(len(nodes)), 2)
            nodes[one].output[0], nodes[other].output[0] = nodes[other].output[0], nodes[one].output[0]
    rearranged: bytes = model.SerializeToString()
    return rearranged


def told(read: Callable[[], object]) -> str | None:
    """Try something; return what is said where it is refused."""
    try:
        read()
    except BiolordError as error:
        return str(error)
    return None


def encode(folder: Path) -> Vectors:
    """Load an artifact and encode with it."""
    with Embedder.load(folder, threads=2) as embedder:
        return embedder.encode(TEXTS)


def score(folder: Path) -> Vectors:
    """Load a reranker and score pairs with it, a column."""
    with Reranker.load(folder, threads=2) as reranker:
        return reranker.score("cat", TEXTS)[:, np.newaxis]


def use(folder: Path, case: str, run: Callable[[Path], Vectors], width: int) -> str:
    """Open an artifact and run it; say how far that went, and judge what is said."""
    reader = told(lambda: open_artifact(folder))
    if reader is not None:
        assert "\n" not in reader, case
        return "refused by the reader"
    found: list[Vectors] = []
    later = told(lambda: found.append(run(folder)))
    if later is not None:
        assert "\n" not in later, case
        return "refused by an operator" if "biolord." in later else "refused by onnxruntime"
    (vectors,) = found
    assert vectors.shape == (len(TEXTS), width), case
    assert np.isfinite(vectors).all(), case
    return "encoded"


def ends_of(
    folder: Path,
    seed: int,
    count: int,
    run: Callable[[Path], Vectors] = encode,
    manifest: Manifest | None = None,
    width: int = SIZES.dim,
) -> Counter[str]:
    """Damage an artifact's graph in some ways, and count how far each got."""
    path = folder / "model.onnx"
    data = path.read_bytes()
    ends: Counter[str] = Counter()
    for case, chance in cases(seed, count):
        damaged = (rearrange if chance.random() < 0.6 else mutate_graph)(data, chance)
        path.write_bytes(damaged)
        write_manifest(folder, manifest or compiled_manifest())
        ends[use(folder, case, run, width)] += 1
    return ends


EXTENT = pytest.mark.parametrize(("count", "fewest"), [(200, 3), pytest.param(1_500, 20, marks=pytest.mark.real)])


FEW = pytest.mark.parametrize(("count", "fewest"), [(60, 1), pytest.param(1_500, 20, marks=pytest.mark.real)])


@EXTENT
def test_damaged_graphs_of_compiled_operators(compiled_copy: Path, count: int, fewest: int) -> None:
    """What our reader lets pass, the operators check again."""
    ends = ends_of(compiled_copy, 11, count)
    assert len(ends) == 4
    assert min(ends.values()) >= fewest, ends


@EXTENT
def test_damaged_graphs_of_modernbert_s_operators(tmp_path: Path, count: int, fewest: int) -> None:
    """The same, where positions turn and channels have gates."""
    ends = ends_of(write_modern_artifact(tmp_path / "modern"), 12, count)
    assert len(ends) == 4
    assert min(ends.values()) >= fewest, ends


@FEW
def test_damaged_graphs_of_a_reranker(tmp_path: Path, count: int, fewest: int) -> None:
    """The same, where two texts go in and a score comes out."""
    ends = ends_of(write_tiny_reranker(tmp_path / "reranker"), 13, count, score, reranker_manifest(), 1)
    assert len(ends) == 4
    assert min(ends.values()) >= fewest, ends


@FEW
def test_damaged_manifests_of_a_reranker(tmp_path: Path, count: int, fewest: int) -> None:
    """Special tokens that aren't there, activations that are none, limits beyond the graph's."""
    folder = write_tiny_reranker(tmp_path / "reranker")
    text = (folder / "manifest.json").read_text("utf-8")
    ends: Counter[str] = Counter()
    for case, chance in cases(14, count):
        (folder / "manifest.json").write_text(mutate_json(text, chance), "utf-8")
        ends[use(folder, case, score, 1)] += 1
    assert ends["refused by the reader"] >= fewest
    assert ends["encoded"] >= fewest
