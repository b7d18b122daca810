"""Results as a page."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from biolord_bench.report import html
from biolord_bench.report.table import tables
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


def test_every_table_is_there(structure: Structure) -> None:
    """With names, figures and reasons."""
    assert structure.tags.count("table") == len(tables(results()))
    for text in ("faster", "0.99900", "no installed provider runs it", "Some CPU (avx2, avx512_vnni)"):
        assert text in structure.texts


def test_light_and_dark_define_every_color(page: str) -> None:
    """Bars included; how long one is stands in its cell."""
    used = set(re.findall(r"var\((--[\w-]+)\)", page)) - {"--share"}
    light, dark = page.split("prefers-color-scheme: dark")
    assert len(used) == 6
    for name in used:
        assert f"{name}:" in light
        assert f"{name}:" in dark


def test_names_are_escaped() -> None:
    """A name is text."""
    page = html.render(results(row('<img src="x" onerror="y">&')))
    assert "<img" not in page
    assert "&lt;img" in page


def test_a_bar_is_as_long_as_its_figure(page: str) -> None:
    """The largest of a column fills its cell: 8 ms and 4 ms of p50 are a whole bar and half of one."""
    latency = page[page.index(">Latency<") :]
    assert re.findall(r'--share: (\d+)%">(?:8|4)\.00<', latency)[:2] == ["100", "50"]


def test_figures_that_are_not_known_are_not_drawn() -> None:
    """A peer without memory, or a row with an error, leaves a gap; a page of errors is a page all the same."""
    assert "--share: " not in html.render(results(bare(row("peer"))))
    page = html.render(results(failed_row()))
    assert "--share: " not in page
    assert "no installed provider runs it" in page
