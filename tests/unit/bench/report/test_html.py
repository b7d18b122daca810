"""Results as a page."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from biolord_bench.report import html
from biolord_bench.report.plots import plots
from biolord_bench.report.table import tables
from biolord_bench.results.results import Results
from unit.bench.results.sample import bare, failed_row, results, row

VOID = frozenset({"meta", "link"})


class Structure(HTMLParser):
    """Collects ids, texts and attributes, and holds start tags against end tags."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.texts: list[str] = []
        self.tags: list[str] = []
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag."""
        self.handle_startendtag(tag, attrs)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag that is closed at once."""
        self.tags.append(tag)
        for name, value in attrs:
            if name == "id":
                self.ids.append(value or "")
            if name in {"src", "href", "xlink:href"}:
                self.addresses.append(value or "")

    def handle_endtag(self, tag: str) -> None:
        """Close what was opened last."""
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Note a text."""
        self.texts.append(data.strip())


@pytest.fixture(scope="module")
def page() -> str:
    """Give the page of the sample."""
    return html.render(results())


@pytest.fixture(scope="module")
def structure(page: str) -> Structure:
    """Give what the page consists of."""
    parser = Structure()
    parser.feed(page)
    parser.close()
    assert parser.open == []
    return parser


def test_it_asks_for_nothing(page: str, structure: Structure) -> None:
    """No address of another file in it, no script, and nothing that a style sheet would fetch."""
    assert "http" not in page
    assert "script" not in structure.tags
    assert "url(" not in re.sub(r"url\(#", "", page)
    assert all(address.startswith(("#", "data:,")) for address in structure.addresses)


def test_tables_stand_beside_plots(structure: Structure) -> None:
    """Every table, and the four plots."""
    assert structure.tags.count("table") == len(tables(results()))
    assert structure.tags.count("svg") == structure.tags.count("figure") == 4
    for text in ("faster", "0.99900", "no installed provider runs it", "Some CPU (avx2, avx512_vnni)"):
        assert text in structure.texts


def test_colors_are_the_pages(page: str) -> None:
    """Plots have none of their own, and both light and dark define every color that is used."""
    assert all("#" not in plot.svg for plot in plots(results()))
    used = set(re.findall(r"var\((--[\w-]+)\)", page)) - {"--series"}
    light, dark = page.split("prefers-color-scheme: dark")
    for name in used:
        assert f"{name}:" in light
        assert f"{name}:" in dark


def test_names_are_escaped() -> None:
    """A name is text, in tables and in plots."""
    page = html.render(results(row('<img src="x" onerror="y">&')))
    assert "<img" not in page
    assert "&lt;img" in page


def test_rows_without_figures_have_no_plot() -> None:
    """A page of errors is a page all the same."""
    assert plots(results(failed_row())) == []
    assert "no installed provider runs it" in html.render(results(failed_row()))


def test_figures_that_are_not_known_are_not_drawn() -> None:
    """A peer without memory, stages or fidelity leaves a gap, not a 0."""
    assert plots(results(bare(row("peer")))) == []
    drawn = plots(results(row(), bare(row("peer"))))
    assert [plot.key for plot in drawn] == ["queries", "bulk", "memory", "stages"]
    assert all("peer" not in plot.svg for plot in drawn)


def test_a_row_without_peak_is_drawn_without_its_mark() -> None:
    """And shared memory that isn't known adds nothing to the bar."""
    text = results(row()).to_json().replace('"peak_mb": 190.0', '"peak_mb": null')
    text = text.replace('"shared_mb": 50.0', '"shared_mb": null')
    (memory,) = [plot for plot in plots(Results.from_json(text, "r.json")) if plot.key == "memory"]
    assert memory.svg.count("var(--series-3)") == 0
    assert plots(results(row()))[2].svg.count("var(--series-3)") > 0


def test_plots_are_the_same_each_time() -> None:
    """Two runs on the same results give the same bytes: a report can be compared with an older one."""
    assert plots(results()) == plots(results())


def test_plots_say_what_they_show(page: str) -> None:
    """To who can't see them, and in words below."""
    for plot in plots(results()):
        assert f'role="img" aria-label="{plot.caption}"' in page
        assert page.count(plot.caption) == 2


@pytest.mark.parametrize(("speed", "least"), [(1.0, 2), (1000.0, 2), (0.001, 2)])
def test_axes_have_round_numbers(speed: float, least: int) -> None:
    """A few of them, whatever the figures are."""
    (latency, *_) = plots(results(row(speed=speed)))
    ticks = re.findall(r'fill="var\(--muted\)"[^>]*>([\d.,]+)<', latency.svg)
    assert least <= len(ticks) <= 11
    assert len(set(ticks)) == len(ticks)
