"""Fidelity beside the speed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from biolord_bench.fidelity import measured_fidelity, stated_fidelity
from biolord_bench.figures import Fidelity
from biolord_onnx.embedder import Embedder
from biolord_onnx.errors import InputError
from biolord_onnx.json_fields import JSONObject
from unit.runtime.tiny_artifact import tiny_manifest, write_tiny_artifact

REPORT: JSONObject = {
    "reference": "float32",
    "groups": [
        {"kind": "passages", "texts": 212, "cosine_mean": 0.99923, "cosine_min": 0.998},
        {"kind": "names", "texts": 1979, "cosine_mean": 0.99905, "cosine_min": 0.99693},
    ],
}


def test_the_manifest_states_it() -> None:
    """For names, with their number and what they were compared with."""
    assert stated_fidelity(REPORT) == Fidelity(0.99905, 0.99693, 1979, "float32")


@pytest.mark.parametrize(
    "report",
    [
        None,
        {},
        {"passed": True},
        {"reference": "float32", "groups": []},
        {"reference": "float32", "groups": [{"kind": "general"}]},
        {"reference": "float32", "groups": [{"kind": "names", "texts": 0}]},
        {"groups": REPORT["groups"]},
        {"reference": "float32", "groups": "none"},
    ],
)
def test_a_report_of_another_kind_states_nothing(report: JSONObject | None) -> None:
    """The report is the exporter's own: what isn't understood is unknown."""
    assert stated_fidelity(report) is None


def test_it_is_measured_against_an_artefact(embedder: Embedder) -> None:
    """An artefact is faithful to itself."""
    fidelity = measured_fidelity(embedder, embedder, ["cat bite", "fever"])
    assert fidelity.mean == pytest.approx(1)
    assert fidelity.minimum == pytest.approx(1)
    assert (fidelity.texts, fidelity.against) == (2, "tiny-cpu-fp32")


def test_vectors_of_another_length_are_refused(embedder: Embedder, tmp_path: Path) -> None:
    """The reference is of another checkpoint."""
    other = write_tiny_artifact(tmp_path / "wide", replace(tiny_manifest(dim=16), name="wide"))
    with Embedder.load(other) as reference, pytest.raises(InputError) as raised:
        measured_fidelity(embedder, reference, ["cat"])
    assert str(raised.value).startswith("the reference wide has vectors of 16 numbers, tiny-cpu-fp32 of 8: ")
