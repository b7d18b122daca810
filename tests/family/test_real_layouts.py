"""Each layout of the family against sentence-transformers loading the very same folder."""

from __future__ import annotations

import os
import pickle
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from biolord_onnx.artifact.folder import open_artifact
from biolord_onnx.embedder import Embedder
from family.asking import run_there, succeed_there
from family.layouts import LAYOUTS, Layout, write_layout
from oracle.client import Oracle
from parity.authored import cosines
from parity.texts import HOSTILE, names, passages
from unit.export.hub import COMMIT, ID, running_hub
from unit.export.places import run

pytestmark = pytest.mark.real

CLOSEST = {"cpu-fp32": 0.999999, "cpu-int8": 0.98, "cpu-int4": 0.9}
"""Random weights don't quantize as trained ones do: the 8-bit bars here only tell right from wrong."""
TEXTS = [*names(60), *passages(20), *(text for text in HOSTILE if len(text) < 1000), "fever " * 700]


class Bomb:
    """An object whose pickle makes a folder when it is loaded."""

    def __init__(self, path: Path) -> None:
        """Remember which."""
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        """Return what unpickling calls."""
        return os.mkdir, (str(self.path),)


@dataclass(frozen=True)
class Case:
    """A layout, and its folder with the weights in the file that the hub has them in."""

    layout: Layout
    folder: Path

    def export(self, out: Path, target: str) -> Path:
        """Export it; pickled weights are read where torch is, in the oracle's environment."""
        if self.layout.safetensors:
            outcome = run("export", self.folder, out, "--target", target, "--accept-below-gate")
            assert outcome.code == 0, outcome
        else:
            succeed_there("export", self.folder, out)
        return out


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Write all layouts, small."""
    place = tmp_path_factory.mktemp("layouts")
    written = {name: write_layout(place / name, layout) for name, layout in LAYOUTS.items()}
    succeed_there("pickle", *(written[name] for name, layout in LAYOUTS.items() if not layout.safetensors))
    return written


def check(case: Case, oracle: Oracle, out: Path, target: str) -> float:
    """Compare an artifact with the library; returns the worst cosine.

    Where the layout leaves the library two tokens too many, it is told the limit that its positions have.
    """
    limit, source = case.layout.max_length
    told = limit if case.layout.tokenizer_limit is None else None
    expected = oracle(case.folder, TEXTS, max_length=told)
    assert expected.max_length == limit
    with Embedder.load(case.export(out, target)) as embedder:
        length = embedder.manifest.max_length
        assert (length.value, length.source.partition(" (")[0]) == (limit, source)
        assert list(embedder.manifest.source.weights) == [case.layout.weights]
        info = embedder.encode_with_info(TEXTS)
    counts = np.minimum(info.token_counts, limit)
    assert counts.tolist() == [len(one) for one in expected.token_ids]
    found = cosines(info.vectors, expected.vectors)
    if target == "cpu-fp32":
        np.testing.assert_allclose(info.vectors, expected.vectors, atol=1e-5)
    return float(found.min())


@pytest.mark.parametrize("name", LAYOUTS)
def test_vectors_are_those_of_sentence_transformers(
    folders: dict[str, Path], oracle: Oracle, tmp_path: Path, name: str
) -> None:
    """Length, pooling, tokenizer and weights are what the library finds in the same files."""
    case = Case(LAYOUTS[name], folders[name])
    assert check(case, oracle, tmp_path / "out", "cpu-fp32") >= CLOSEST["cpu-fp32"]


@pytest.mark.parametrize("target", ["cpu-int8", "cpu-int4"])
def test_quantized_targets_of_the_multilingual_layout(
    folders: dict[str, Path], oracle: Oracle, tmp_path: Path, target: str
) -> None:
    """The other layouts differ in files, not in what is quantized; MPNet's targets are tested elsewhere."""
    worst = check(Case(LAYOUTS["BioLORD-2023-M"], folders["BioLORD-2023-M"]), oracle, tmp_path / "out", target)
    assert worst >= CLOSEST[target], worst


def test_cls_pooling_at_a_length_of_ones_own(folders: dict[str, Path], oracle: Oracle, tmp_path: Path) -> None:
    """What RaTEScore does with BioLORD-2023-C: the first token's vector, texts cut at 30 tokens."""
    folder = folders["BioLORD-2023-C"]
    expected = oracle(folder, TEXTS, pooling="cls", max_length=30)
    outcome = run("export", folder, tmp_path / "out", "--target", "cpu-fp32", "--pooling", "cls", "--max-length", "30")
    assert outcome.code == 0, outcome
    with Embedder.load(tmp_path / "out") as embedder:
        assert cosines(embedder.encode_with_info(TEXTS).vectors, expected.vectors).min() >= CLOSEST["cpu-fp32"]


def test_a_pickle_that_does_anything_is_refused(tmp_path: Path) -> None:
    """Torch's loader stops at the first thing that isn't a tensor: nothing runs, and the message says what to do."""
    folder = write_layout(tmp_path / "model", LAYOUTS["BioLORD-2023-S"])
    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(pickle.dumps(Bomb(tmp_path / "ran")))
    done = run_there("export", folder, tmp_path / "out")
    assert "is not a file of plain tensors" in done.stderr
    assert "--revision refs/pr/1" in done.stderr
    assert not (tmp_path / "ran").exists()
    assert not (tmp_path / "out").exists()


def test_half_precision_of_the_multilingual_layout(folders: dict[str, Path], tmp_path: Path) -> None:
    """The GPU's target passes its gate, measured as for any other architecture."""
    outcome = run("export", folders["BioLORD-2023-M"], tmp_path / "out", "--target", "cuda-fp16")
    assert outcome.code == 0, outcome
    assert "gate: passed" in outcome.out


def test_a_pickle_is_fetched_where_torch_can_load_it(folders: dict[str, Path], tmp_path: Path) -> None:
    """From a hub whose main has nothing else, as BioLORD-2023-S; without torch it isn't even downloaded."""
    with running_hub(folders["BioLORD-2023-S"]) as hub:
        variables = {**hub.environment(tmp_path / "cache"), "HF_HUB_OFFLINE": "0"}
        done = run_there("export", ID, tmp_path / "out", **variables)
        assert done.returncode == 0, done.stderr
        assert hub.asked[-1] == "pytorch_model.bin"
    source = open_artifact(tmp_path / "out").manifest.source
    assert (source.id, source.revision, list(source.weights)) == (ID, COMMIT, ["pytorch_model.bin"])
