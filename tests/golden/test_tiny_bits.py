"""The vectors of tiny encoders to the last bit: the same on every CPU, and the same as when this was committed.

Their weights are rounded to the nearest, so that no matrix product of the exporter's, which differ between CPUs, has a
say. The hashes change with the tiny checkpoints, the golden texts or the operators' version, and with nothing else.
"""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from biolord_export.artifact.writer import write_draft
from biolord_export.checkpoint.source import open_checkpoint
from biolord_export.checkpoint.weights import EncoderWeights
from biolord_export.corpus import golden_texts
from biolord_export.quantize.report import Quantized
from biolord_export.roads.compiled import KernelRoad
from biolord_export.roads.road import Loaded
from biolord_export.vocabulary.pruning import load_weights
from biolord_onnx.artifact.manifest import Golden, Requirements
from biolord_onnx.graph.compiled_operators import VERSIONS
from biolord_onnx.session import kernels
from biolord_onnx.session.engine import LOWEST_ONNXRUNTIME
from unit.export.kernels.rounding import round_encoder
from unit.export.places import run_with
from unit.runtime.tiny_artifact import tiny_manifest

if TYPE_CHECKING:
    from biolord_export.roads.road import Statistics

pytestmark = pytest.mark.slow

HASHES: dict[str, str] = json.loads(Path(__file__).with_name("tiny_bits.json").read_text(encoding="utf-8"))
ENCODERS = {
    "mpnet 8 bits": ("mpnet", 8, 8),
    "mpnet 8 bits, values of 16": ("mpnet", 8, 16),
    "bert 4 bits": ("bert", 4, 8),
    "xlm-roberta 8 bits": ("xlm-roberta", 8, 8),
}


def quantize(bits: int, value_bits: int, weights: EncoderWeights, _: Statistics) -> Quantized:
    """Round to the nearest."""
    return Quantized(round_encoder(weights, bits, value_bits), ())


def write_artifact(folder: Path, model: Path, name: str) -> Path:
    """Write what an export would, but for what it measures; its golden hash is the committed one."""
    _, bits, value_bits = ENCODERS[name]
    checkpoint = open_checkpoint(str(model))
    weights = load_weights(checkpoint)
    written = KernelRoad(partial(quantize, bits, value_bits)).write(Loaded(checkpoint, weights, {}))
    manifest = replace(
        tiny_manifest(weights.dim),
        name="tiny",
        target=f"cpu-int{bits}",
        architecture=weights.architecture,
        max_length=checkpoint.max_length,
        normalized=checkpoint.pooling.normalized,
        pad_id=weights.pad_id,
        requires=Requirements(LOWEST_ONNXRUNTIME, (), dict(VERSIONS)),
        golden=Golden(golden_texts(), HASHES[name]),
        fidelity=None,
    )
    folder.mkdir()
    write_draft(folder, written.graph, checkpoint.tokenizer_json, manifest)
    return folder


@pytest.mark.parametrize("name", ENCODERS)
def test_every_kind_of_this_machine_gives_the_committed_bits(
    request: pytest.FixtureRequest, tmp_path: Path, name: str
) -> None:
    """Verified by a process for each kind."""
    folder = write_artifact(tmp_path / "artifact", request.getfixturevalue(f"tiny_{ENCODERS[name][0]}"), name)
    for kind in kernels.available():
        outcome = run_with({kernels.VARIABLE: kind}, "verify", folder, "--json")
        assert outcome.code == 0, outcome
        found = json.loads(outcome.out)["golden"]
        assert (found["same"], found["kernels"], found["found"]) == (True, kind, HASHES[name])
