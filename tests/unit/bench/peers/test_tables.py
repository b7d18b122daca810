"""Tables show ratios with their spread, and README.md shows the committed results."""

from __future__ import annotations

from pathlib import Path

import pytest

from biolord_bench.peers.process import REPOSITORY
from biolord_bench.peers.readme import BEGIN, END, README, load, main, rewritten, section
from biolord_bench.peers.tables import JSON, OURS, RATIOS, ratio, report


def row(name: str, factor: float, *, target: str | None = None) -> dict[str, object]:
    """A row whose rates are ``factor`` times 100 and whose times are 100 divided by it."""
    rates = [100 * factor, 100 * factor, 120 * factor]
    times = [100 / factor, 90 / factor, 100 / factor]
    return {
        "name": name,
        "target": target,
        "error": None,
        "start": {"process_ms": 100 / factor},
        "query": {"p50_ms": 100 / factor, "p95_ms": 110 / factor, "repeats_p50_ms": times},
        "bulk": [{"workload": "names", "texts_per_s": 100 * factor, "repeats_texts_per_s": rates}],
        "query_during_bulk": None,
        "memory": {"after_queries_mb": 1000 / factor, "private_mb": 1.0, "peak_mb": 2.0},
        "fidelity": {"mean": 0.99905, "minimum": 0.9, "texts": 10, "against": "torch"},
        "batch_dependence": {"mean": 0.0, "worst": 0.1},
        "file_mb": 113.4,
        "notes": ["cut128: not run"],
    }


def document() -> JSON:
    """Results of ours, of a peer and of one that can't run."""
    broken = {**row("CTranslate2", 1), "error": "ValueError: no conversion", "notes": None}
    return {
        "format": 1,
        "created": "2026-11-23T03:30:00+00:00",
        "machine": {"cpu": "EPYC", "features": ["avx2", "avx512_vnni"], "cores": 2, "system": "Linux"},
        "settings": {"threads": 2, "repeats": 3},
        "rows": [row(OURS, 4, target="cpu-int8"), row("torch", 1), broken],
    }


def test_ratios_are_of_the_same_repeat() -> None:
    """Ours is divided by the peer's of the same repeat; the median stands with the lowest and the highest."""
    ours, peer = row(OURS, 4), row("torch", 1)
    peer["bulk"] = [{"workload": "names", "texts_per_s": 100.0, "repeats_texts_per_s": [100.0, 200.0, 100.0]}]
    names, definitions, query, start = RATIOS[0], RATIOS[1], RATIOS[5], RATIOS[6]
    assert ratio(names, ours, peer) == "4.00 (2.00–4.80)"
    assert ratio(query, ours, peer) == "0.25 (0.25–0.25)"
    assert ratio(start, ours, peer) == "0.25"
    assert ratio(definitions, ours, peer) == "–"
    peer["start"] = None
    assert ratio(start, ours, peer) == "–"


def test_one_repeat_has_no_spread() -> None:
    """A range of one value would feign certainty."""
    ours = {"bulk": [{"workload": "names", "repeats_texts_per_s": [30.0]}]}
    assert ratio(RATIOS[0], ours, ours) == "1.00"


def test_the_report_shows_figures_ratios_and_failures() -> None:
    """Speed never stands without fidelity, and a row without figures has its reason."""
    text = report(document())
    assert "EPYC (avx2, avx512_vnni), 2 cores" in text
    assert f"| {OURS} | 400 |" in text
    assert "| torch | 4.00 (4.00–4.00) |" in text
    assert "0.99905" in text
    assert "- CTranslate2: ValueError: no conversion" in text
    assert "- torch: cut128: not run" in text


def test_the_report_of_ours_alone_has_no_ratios() -> None:
    """There is nobody to compare with."""
    alone = {**document(), "rows": [row(OURS, 4, target="cpu-int8")]}
    assert "Ratios" not in report(alone)


def test_readme_and_results_agree() -> None:
    """What README.md claims is what benchmarks/results/peers.json holds."""
    current = README.read_text(encoding="utf-8")
    assert rewritten(current, load()) == current, "run python -m biolord_bench.peers.readme"


def test_every_report_agrees_with_its_results() -> None:
    """The rendered report beside each JSON file is made from it."""
    for path in sorted((REPOSITORY / "benchmarks" / "results").glob("*.json")):
        results = load(path)
        assert results is not None
        assert path.with_suffix(".md").read_text(encoding="utf-8") == report(results)


def test_the_section_is_replaced_between_its_markers() -> None:
    """Twice gives the same as once, and the rest of the page stays."""
    page = f"# Title\n\n{BEGIN}\nold\n{END}\n\nrest\n"
    once = rewritten(page, document())
    assert once.startswith(f"# Title\n\n{BEGIN}\n| ")
    assert once.endswith(f"\n{END}\n\nrest\n")
    assert "old" not in once
    assert "0.99905" not in section(None)
    assert rewritten(once, document()) == once
    assert rewritten(once, None) == f"# Title\n\n{BEGIN}\n{END}\n\nrest\n"


@pytest.mark.parametrize("page", ["# no markers\n", f"{BEGIN}\n", f"{END}\n{BEGIN}\n", f"{BEGIN}\n{BEGIN}\n{END}\n"])
def test_a_page_without_markers_is_refused(page: str) -> None:
    """Nothing is written to a place that was not meant."""
    with pytest.raises(ValueError, match="once each"):
        rewritten(page, None)


def test_the_command_writes_or_checks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`--check` changes nothing and tells by its exit code; without it the page is put right."""
    page = tmp_path / "README.md"
    page.write_text(f"{BEGIN}\nold\n{END}\n", encoding="utf-8")
    monkeypatch.setattr("biolord_bench.peers.readme.README", page)
    monkeypatch.setattr("biolord_bench.peers.readme.load", lambda: None)
    monkeypatch.setattr("sys.argv", ["readme", "--check"])
    assert main() == 1
    monkeypatch.setattr("sys.argv", ["readme"])
    assert main() == 0
    assert page.read_text(encoding="utf-8") == f"{BEGIN}\n{END}\n"
    monkeypatch.setattr("sys.argv", ["readme", "--check"])
    assert main() == 0


def test_no_results_are_none(tmp_path: Path) -> None:
    """Before the first run there is nothing to show."""
    assert load(tmp_path / "peers.json") is None
