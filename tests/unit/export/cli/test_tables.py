"""Tables for a terminal."""

from __future__ import annotations

from biolord_export.cli.tables import fidelity_table, layer_table, vocabulary_table
from biolord_export.quantize.report import LinearReport, StaticReport
from biolord_export.verification.fidelity import FidelityGate, FidelityReport, GroupFidelity
from biolord_onnx.artifact.json_fields import JSON, JSONObject

GATE = FidelityGate(0.998, 0.99, 0.98)
GROUPS = (
    GroupFidelity("names", 1979, 0.99912, 0.9981, 0.99612, 0.957, 0.9653, ("fever",)),
    GroupFidelity("passages", 212, 1.0, 1.0, 1.0, 1.0, 1.0, ()),
)


def report(shortfalls: tuple[str, ...]) -> FidelityReport:
    """Make a report."""
    return FidelityReport("the exact one", GROUPS, GATE, shortfalls)


def test_fidelity_in_columns() -> None:
    """One row a kind of text, figures under their heads, the verdict below."""
    head, names, passages, verdict = fidelity_table(report(())).splitlines()
    assert head.split("  ")[0] == "fidelity"
    assert names.split() == ["names", "1979", "0.99912", "0.99810", "0.99612", "95.7", "%", "96.5", "%"]
    assert passages.startswith("passages    212  ")
    assert head.index("minimum") + len("minimum") == names.index("0.99612") + len("0.99612")
    assert verdict == "against: the exact one; gate: passed"


def test_a_shortfall_is_not_overlooked() -> None:
    """It stands in capitals, with what fell short."""
    verdict = fidelity_table(report(("names: one", "general: two"))).splitlines()[-1]
    assert verdict == "against: the exact one; gate: BELOW THE GATE: names: one; general: two"


def test_no_groups_leave_the_head() -> None:
    """A report without groups, as an edited manifest may hold, is laid out all the same."""
    assert len(fidelity_table(FidelityReport("r", (), GATE, ())).splitlines()) == 2


def test_layers_in_columns() -> None:
    """One row a layer: the error of each linear layer, then how many channels stayed in float32."""
    rows = [
        StaticReport(layer, name, error=error, strength=0.5, end=1.0, outliers=outliers)
        for layer, name, error, outliers in (
            (0, "qkv", 7.5e-5, 0),
            (0, "fc2", 5.4e-5, 32),
            (1, "qkv", 1e-3, 0),
            (1, "fc2", 2e-4, 8),
        )
    ]
    head, first, second = layer_table(rows).splitlines()
    assert head.split() == ["error", "of", "layer", "qkv", "fc2", "float32", "channels"]
    assert first.split() == ["0", "7.5e-05", "5.4e-05", "32"]
    assert second.split() == ["1", "1.0e-03", "2.0e-04", "8"]


def test_layers_without_a_channel_in_float32() -> None:
    """Most number formats have none: no column says so."""
    rows = [LinearReport(layer, "qkv", error=2e-4, strength=0.9) for layer in range(2)]
    assert [line.split() for line in layer_table(rows).splitlines()[1:]] == [["0", "2.0e-04"], ["1", "2.0e-04"]]
    assert "float32" not in layer_table(rows)


def test_no_layers_no_table() -> None:
    """A target that doesn't quantize has none."""
    assert layer_table([]) == ""


def test_a_kept_vocabulary_in_columns() -> None:
    """Coverage by kind; cosines where texts of the kind were embedded; counts and origin below."""
    coverage: list[JSON] = [
        {"kind": "your texts", "texts": 300, "same_texts": 1.0, "kept_tokens": 1.0},
        {"kind": "unseen", "texts": 30, "same_texts": 0.9, "kept_tokens": 0.987},
    ]
    fidelity: list[JSON] = [{"kind": "your texts", "cosine_mean": 0.9991, "cosine_min": 0.997}]
    vocabulary: JSONObject = {
        "kept": 1234,
        "of": 250002,
        "origin": "mine.txt",
        "coverage": coverage,
        "fidelity_to_whole": fidelity,
    }
    head, mine, unseen, below = vocabulary_table({"vocabulary": vocabulary}).splitlines()
    assert head.split("  ")[0] == "vocabulary"
    assert mine.split() == ["your", "texts", "300", "100.0", "%", "100.0", "%", "0.99910", "0.99700"]
    assert unseen.split() == ["unseen", "30", "90.0", "%", "98.7", "%"]
    assert below == "1,234 of 250,002 tokens kept, by mine.txt; cosines to the float32 graph with all"
