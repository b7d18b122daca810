"""Fidelity as a manifest has it."""

from __future__ import annotations

import pytest

from biolord_bench.results.agreement import stated_fidelity
from biolord_bench.results.figures import Fidelity
from biolord_onnx.artifact.json_fields import JSONObject

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
