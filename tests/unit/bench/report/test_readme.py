"""README.md shows the committed results."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec import structs

from biolord_bench.report import markdown
from biolord_bench.report.readme import BEGIN, END, README, REPOSITORY, load, main, rewritten, section
from unit.bench.results.sample import results


def test_readme_and_results_agree() -> None:
    """What README.md claims is what benchmarks/results/peers.json holds."""
    current = README.read_text(encoding="utf-8")
    shown = current[current.index("<!-- measured: ") : current.index(END)].partition("\n")[2]
    assert shown == section(load()), "run python -m biolord_bench.report.readme"


def test_every_report_agrees_with_its_results() -> None:
    """The rendered report beside each JSON file is made from it."""
    for path in sorted((REPOSITORY / "benchmarks" / "results").glob("*.json")):
        found = load(path)
        assert found is not None
        assert path.with_suffix(".md").read_text(encoding="utf-8") == markdown.render(found)


def test_the_section_is_replaced_between_its_markers() -> None:
    """Twice gives the same as once, and the rest of the page stays; an older marker is renewed."""
    page = f"# Title\n\n<!-- measured: by somebody -->\nold\n{END}\n\nrest\n"
    once = rewritten(page, results())
    assert once.startswith(f"# Title\n\n{BEGIN}\n|  | names/s | passages/s | query p50 ms |")
    assert "| tiny-cpu-int8 | 300 | 10.0 | 8.00 | 400 | 150 | 0.99900 |" in once
    assert once.endswith(f"\n{END}\n\nrest\n")
    assert "old" not in once
    assert rewritten(once, results()) == once
    assert rewritten(once, None) == f"# Title\n\n{BEGIN}\n{END}\n\nrest\n"


def test_the_section_has_the_rows_of_a_first_look() -> None:
    """This project's targets and the tools that people compare it with."""
    found = results()
    names = ("sentence-transformers torch fp32", "tract fp32")
    peers = tuple(structs.replace(found.rows[0], name=name, target=None) for name in names)
    shown = section(structs.replace(found, rows=(*found.rows, *peers)))
    assert "| sentence-transformers torch fp32 | 300 |" in shown
    assert "tract" not in shown


@pytest.mark.parametrize("page", ["# no markers\n", f"{BEGIN}\n", f"{END}\n{BEGIN}\n", f"{BEGIN}\n{BEGIN}\n{END}\n"])
def test_a_page_without_markers_is_refused(page: str) -> None:
    """Nothing is written to a place that was not meant."""
    with pytest.raises(ValueError, match="once each"):
        rewritten(page, None)


def test_the_command_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What stands between the markers, and nothing else."""
    page = tmp_path / "README.md"
    page.write_text(f"{BEGIN}\nold\n{END}\n", encoding="utf-8")
    monkeypatch.setattr("biolord_bench.report.readme.README", page)
    monkeypatch.setattr("biolord_bench.report.readme.load", lambda: None)
    main()
    assert page.read_text(encoding="utf-8") == f"{BEGIN}\n{END}\n"


def test_no_results_are_none(tmp_path: Path) -> None:
    """Before the first run there is nothing to show."""
    assert load(tmp_path / "peers.json") is None
