"""From a checkpoint to a verified artifact, as a function."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest

from biolord_export.checkpoint.source import open_checkpoint
from biolord_export.corpus import Corpus, builtin_calibration
from biolord_export.errors import CheckpointError, ExportError
from biolord_export.pipeline import ExportOptions, export_artifact
from biolord_export.targets import TARGETS, find_target
from biolord_onnx import __version__
from biolord_onnx.artifact.manifest import Manifest, MaxLength
from biolord_onnx.embedder import Embedder
from unit.export.editing import edit_tensors, overflow
from unit.export.fixtures import ARCHITECTURES, Exported
from unit.export.fixtures import TARGETS as TARGET_NAMES
from unit.export.places import Place
from unit.export.schema import VALIDATOR

Exports = Callable[[str, str], Exported]
TEXTS = ["Cat scratch injury", "fever", "", "type 2 diabetes mellitus with hyperglycaemia " * 9, "🤒 糖尿病"]
every_export = pytest.mark.parametrize(
    ("architecture", "target"), [(one, two) for one in ARCHITECTURES for two in TARGET_NAMES]
)


def manifest_of(export: Exported) -> Manifest:
    """Read the manifest, hashes checked."""
    return export.artifact.manifest


@every_export
def test_every_artifact_gives_vectors_near_the_exact_ones(exported: Exports, architecture: str, target: str) -> None:
    """Through the runtime, with both outputs; texts over the limit and of other scripts included."""
    with (
        Embedder.load(exported(architecture, "cpu-fp32").path) as exact,
        Embedder.load(exported(architecture, target).path) as found,
    ):
        expected, info = exact.encode_with_info(TEXTS).vectors, found.encode_with_info(TEXTS)
        units = found.encode_with_info(TEXTS, normalize=True).vectors
    vectors = info.vectors
    assert info.truncated.tolist() == [False, False, False, True, False]
    lengths = np.linalg.norm(vectors, axis=1)
    cosines = np.sum(expected * vectors, axis=1) / lengths / np.linalg.norm(expected, axis=1)
    assert vectors.shape == (len(TEXTS), 64)
    assert cosines.min() > TARGETS[target].gate.minimum
    np.testing.assert_allclose(np.linalg.norm(units, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(units * lengths[:, np.newaxis], vectors, atol=1e-5)
    assert np.allclose(lengths, 1, atol=1e-5) is (architecture == "bert")


@every_export
def test_a_manifest_says_what_it_is(exported: Exports, architecture: str, target: str) -> None:
    """Names, sizes, limits with their source, pooling, needs and gate."""
    manifest = manifest_of(exported(architecture, target))
    assert manifest.name == f"tiny-{architecture}-{target}"
    assert (manifest.target, manifest.architecture, manifest.dim) == (target, architecture, 64)
    assert manifest.max_length == MaxLength(48, "sentence_bert_config.json")
    assert (manifest.pooling, manifest.normalized) == ("mean", architecture == "bert")
    assert manifest.pad_id == {"mpnet": 1, "bert": 0}[architecture]
    assert manifest.requires.cpu_any_of == TARGETS[target].cpu_any_of
    assert manifest.requires.onnxruntime == TARGETS[target].onnxruntime
    assert manifest.requires.operators == ({} if target == "cpu-fp32" else {"biolord": 1})
    assert (manifest.golden is None) is (target == "cpu-fp32")
    assert manifest.quantization["scheme"] == TARGETS[target].scheme
    assert manifest.batch_invariance.bound <= (0 if TARGETS[target].operators else 1e-6)
    assert "measured at export on 48 texts" in manifest.batch_invariance.reason


@every_export
def test_a_manifest_says_where_it_came_from(
    exported: Exports, tiny_mpnet: Path, tiny_bert: Path, architecture: str, target: str
) -> None:
    """The checkpoint's weights by their hash, the tools by their versions, the time, and the license."""
    manifest = manifest_of(exported(architecture, target))
    folder = {"mpnet": tiny_mpnet, "bert": tiny_bert}[architecture]
    digest = hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
    assert (manifest.source.id, manifest.source.revision) == (folder.name, None)
    assert manifest.source.weights == {"model.safetensors": digest}
    assert manifest.tools["biolord-onnx"] == __version__
    assert manifest.tools["onnxruntime"] == version("onnxruntime")
    assert re.fullmatch(r"3\.\d+\.\d+", manifest.tools["python"])
    created = dt.datetime.fromisoformat(manifest.created)
    assert dt.timedelta(0) <= dt.datetime.now(dt.UTC) - created < dt.timedelta(hours=1)
    assert folder.name in manifest.license
    assert "UMLS" in manifest.license


@every_export
def test_a_manifest_fits_the_schema_of_the_documentation(exported: Exports, architecture: str, target: str) -> None:
    """What docs/ promises to readers in other languages."""
    VALIDATOR.validate(json.loads((exported(architecture, target).path / "manifest.json").read_text(encoding="utf-8")))


@every_export
def test_an_artifact_names_no_place_of_this_machine(
    exported: Exports, tiny_mpnet: Path, architecture: str, target: str
) -> None:
    """It is passed on: no path of its maker's, no user and no temporary folder stands in any of its files."""
    export = exported(architecture, target)
    for path in export.path.iterdir():
        content = path.read_bytes()
        for place in (export.path.parent, tiny_mpnet.parent, Path.home(), Path.cwd(), Path("/tmp")):
            assert len(place.parts) < 2 or f"{place}/".encode() not in content, path


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_calibrated_artifact_records_its_calibration_and_layers(exported: Exports, architecture: str) -> None:
    """Which texts by digest, how many, and what became of each linear layer."""
    quantization = manifest_of(exported(architecture, "cpu-int8")).quantization
    calibration = quantization["calibration"]
    assert isinstance(calibration, dict)
    corpus = builtin_calibration()
    assert calibration["origin"] == "built-in"
    assert calibration["texts"] == len(corpus.texts)
    assert calibration["sha256"] == corpus.sha256()
    assert isinstance(calibration["tokens"], int)
    assert 2 * len(corpus.texts) < calibration["tokens"] <= 48 * len(corpus.texts)
    layers = quantization["layers"]
    assert isinstance(layers, list)
    found = {(row["layer"], row["name"]) for row in layers if isinstance(row, dict)}
    assert found == {(layer, name) for layer in (0, 1) for name in ("qkv", "attention_output", "fc1", "fc2")}


def test_a_float32_artifact_was_not_calibrated(exported: Exports) -> None:
    """Nothing is claimed that wasn't done."""
    assert "calibration" not in manifest_of(exported("mpnet", "cpu-fp32")).quantization


@pytest.mark.parametrize("target", ["cpu-int8", "cpu-int4"])
def test_a_manifest_states_the_fidelity(exported: Exports, target: str) -> None:
    """Measured on the built-in texts, against the float32 graph, with the gate it passed."""
    fidelity = manifest_of(exported("mpnet", target)).fidelity
    assert fidelity is not None
    assert fidelity["passed"] is True
    assert fidelity["reference"] == "float32 graph written from the same checkpoint"
    groups = fidelity["groups"]
    assert isinstance(groups, list)
    assert [group["kind"] for group in groups if isinstance(group, dict)] == ["names", "passages", "general"]


def test_the_float32_artifact_is_the_reference_itself(exported: Exports) -> None:
    """Comparing it with itself would say nothing."""
    assert manifest_of(exported("mpnet", "cpu-fp32")).fidelity is None


def test_float32_files_are_the_same_every_time(exported: Exports, place: Place, tiny_mpnet: Path) -> None:
    """Graph and weights depend on the checkpoint alone; only the manifest tells the time."""
    assert place.export(tiny_mpnet, "--target", "cpu-fp32").code == 0
    for name in ("model.onnx", "model.onnx.data", "tokenizer.json", "NOTICE"):
        assert (place.out / name).read_bytes() == (exported("mpnet", "cpu-fp32").path / name).read_bytes()


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("cpu-int8", r"the input of \w+ in layer \d isn't finite: the checkpoint's weights overflow float32"),
        ("cpu-fp32", r"yields vectors that aren't finite: the checkpoint's weights overflow float32"),
    ],
)
def test_a_checkpoint_that_overflows_is_refused(place: Place, checkpoint: Path, target: str, message: str) -> None:
    """Its weights are finite, so that reading them finds nothing; every figure computed from them is NaN."""
    edit_tensors(checkpoint / "model.safetensors", overflow)
    options = ExportOptions(find_target(target), Corpus(tuple(TEXTS), "mine"))
    with pytest.raises(CheckpointError, match=message):
        export_artifact(open_checkpoint(str(checkpoint)), place.out, options)
    assert place.left == []


def test_a_destination_is_refused_before_weights_are_read(place: Place, checkpoint: Path) -> None:
    """The check comes first, also for callers of the function."""
    opened = open_checkpoint(str(checkpoint))
    opened.weights.unlink()
    place.out.mkdir()
    with pytest.raises(ExportError, match="exists already"):
        export_artifact(opened, place.out, ExportOptions(find_target("cpu-fp32")))
